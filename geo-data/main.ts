// The process behind `npm run geo:update -- [target]`: environment in, one line and exit code out.

import { join } from 'node:path'
import { parseUpdateOptions, updateGeoip } from './update-geoip.ts'

const EXIT_REFUSED = 1
/** Of sysexits: EX_CONFIG. */
const EXIT_CONFIG = 78

const target = process.argv[2] ?? join(import.meta.dirname, 'GeoLite2-City.mmdb')
const options = parseUpdateOptions(process.env, target)
if ('problems' in options) {
  for (const problem of options.problems) process.stderr.write(`geo:update: ${problem}\n`)
  process.exitCode = EXIT_CONFIG
} else {
  const outcome = await updateGeoip(options)
  if (outcome.kind === 'refused') {
    for (const problem of outcome.problems) process.stderr.write(`geo:update: ${problem}\n`)
    process.exitCode = EXIT_REFUSED
  } else {
    const built = new Date(outcome.builtMs).toISOString().slice(0, 10)
    const what = outcome.kind === 'updated' ? 'is now' : 'was already'
    process.stdout.write(`${target} ${what} the GeoLite2 City of ${built}\n`)
  }
}
