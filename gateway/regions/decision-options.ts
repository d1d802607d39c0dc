// pure

/** Every number of a route decision that an operator may change. */
export interface DecisionOptions {
  /** Ranks regions by distance from the client, or by round trip from this gateway. */
  readonly proximity: 'client' | 'edge'
  /** Utilisation at which a region begins to hand work on, and at which it takes none, 0..1. */
  readonly utilizationSoft: number
  readonly utilizationHard: number
  /** How much more than its share of healthy workers a region is given. */
  readonly overprovision: number
  /** How long a region that came back is spared, and from which share on it grows. */
  readonly rampTimeMs: number
  readonly rampLeast: number
  /** The same for a lane that accepts again. */
  readonly laneRampTimeMs: number
  readonly suspectWeight: number
  readonly degradedWeight: number
  /** A lane that is slower to acknowledge counts as degraded. */
  readonly degradedPublishP95Ms: number
  /** An older report or round trip is not believed as it stands. */
  readonly reportStaleMs: number
  /** Assumed of a model that has not finished an answer yet, from start to end. */
  readonly serviceMeanMs: number
  /** How long a published tie score stands. */
  readonly tieHoldMs: number
  /** Utilisation, the queue included, at which a full region counts as calm again. */
  readonly overfullRelease: number
  /** The part of the remaining deadline that may be spent waiting for a slot. */
  readonly admitDeadlineShare: number
  /** The part of the queues that standard work may fill, and of the slots that batch may. */
  readonly admitStandardQueue: number
  readonly admitBatchSlots: number
  /** The in-flight limit falls to this and no further, and by this factor at a time. */
  readonly limitLeast: number
  readonly limitDecrease: number
  /** A region is skipped when it was asked more than this many times as often as it accepted. */
  readonly throttleFactor: number
  readonly throttleWindowMs: number
  /** Sum of availabilities below which batch work is refused everywhere. */
  readonly brownOutBelow: number
  /** Further attempts per first attempt in the window, over a floor; and those of one tenant. */
  readonly retryShare: number
  readonly retryFloor: number
  readonly retryWindowMs: number
  readonly tenantRetryShare: number
  /** How many regions one request tries in a panic, and how much is in flight to each. */
  readonly panicRegionsMax: number
  readonly panicInFlightMax: number
  /** How many route records are kept, and how long. */
  readonly explainRecordsMax: number
  readonly explainAgeMs: number
}

/** What holds where nobody says otherwise. Source: routing.md, defaults. */
export const DECISION_DEFAULTS: DecisionOptions = Object.freeze({
  proximity: 'client',
  utilizationSoft: 0.8,
  utilizationHard: 1,
  overprovision: 1.4,
  rampTimeMs: 30_000,
  rampLeast: 0.1,
  laneRampTimeMs: 5_000,
  suspectWeight: 0.5,
  degradedWeight: 0.25,
  degradedPublishP95Ms: 250,
  reportStaleMs: 3_000,
  serviceMeanMs: 5_000,
  tieHoldMs: 60_000,
  overfullRelease: 0.9,
  admitDeadlineShare: 0.5,
  admitStandardQueue: 0.9,
  admitBatchSlots: 0.7,
  limitLeast: 2,
  limitDecrease: 0.9,
  throttleFactor: 2,
  throttleWindowMs: 120_000,
  brownOutBelow: 0.5,
  retryShare: 0.2,
  retryFloor: 3,
  retryWindowMs: 10_000,
  tenantRetryShare: 0.1,
  panicRegionsMax: 3,
  panicInFlightMax: 10,
  explainRecordsMax: 10_000,
  explainAgeMs: 3_600_000,
})
