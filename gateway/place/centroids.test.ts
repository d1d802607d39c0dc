import assert from 'node:assert/strict'
import { test } from 'node:test'
import { haversineKm } from '../regions/cost.ts'
import { continentCentroid, countryCentroid } from './centroids.ts'

/** ISO 3166-1, and XK, which GeoIP data use for Kosovo. All of them occur in GeoLite2 City. */
const CODES = `
  AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT
  BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH
  ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT
  HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS
  LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI
  NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG
  SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG
  UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW`
  .trim()
  .split(/\s+/)

test('every country has a centroid on the globe', () => {
  assert.equal(CODES.length, 250)
  for (const code of CODES) {
    const { lat, lon } = countryCentroid(code) ?? { lat: Number.NaN, lon: Number.NaN }
    assert.ok(Math.abs(lat) <= 90 && Math.abs(lon) <= 180, code)
    assert.ok(lat !== 0 || lon !== 0, code)
  }
})

const NEAR: readonly [code: string, near: string, at: [lat: number, lon: number], km: number][] = [
  ['SG', 'Singapore', [1.3521, 103.8198], 20],
  ['HK', 'Hong Kong', [22.32, 114.17], 30],
  ['MT', 'Valletta', [35.9, 14.51], 30],
  ['BH', 'Manama', [26.22, 50.58], 40],
  ['VA', 'the Vatican', [41.9, 12.45], 5],
  ['FR', 'Bourges and not Spain', [47.08, 2.4], 100],
  ['US', 'Kansas and not Canada', [39, -98], 200],
  ['NO', 'Norway without Svalbard', [64, 12], 200],
  ['AU', 'Alice Springs', [-23.7, 133.88], 300],
  ['GF', 'Cayenne', [4.92, -52.31], 200],
  ['RE', 'Réunion', [-21.13, 55.53], 20],
  ['KI', 'Tarawa', [1.45, 173], 100],
  ['FJ', 'Fiji and not the other side of the world', [-17.8, 178], 150],
  ['XK', 'Pristina', [42.66, 21.16], 60],
]

for (const [code, near, [lat, lon], km] of NEAR) {
  test(`the centroid of ${code} is near ${near}`, () => {
    const centroid = countryCentroid(code)

    assert.ok(centroid)
    assert.ok(haversineKm(centroid, { lat, lon }) < km, JSON.stringify(centroid))
  })
}

test('every continent has a centroid', () => {
  for (const code of ['AF', 'AN', 'AS', 'EU', 'NA', 'OC', 'SA']) {
    assert.ok(continentCentroid(code), code)
  }
})

test('codes that nobody knows have none, those of a prototype included', () => {
  assert.equal(countryCentroid('XX'), undefined)
  assert.equal(countryCentroid('us'), undefined)
  assert.equal(countryCentroid('constructor'), undefined)
  assert.equal(continentCentroid('US'), undefined)
})
