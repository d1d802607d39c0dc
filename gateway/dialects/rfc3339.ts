// pure

const TIME =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(\.\d{1,9})?(?:[Zz]|([+-]\d{2}):(\d{2}))$/

/**
 * Reads a time as Go writes it, up to nanoseconds, as seconds since 1970; `undefined` for anything
 * else. A number of seconds resolves 0.2 µs at the dates that occur. Days are not held against the
 * length of their month.
 */
export function parseRfc3339(text: string): number | undefined {
  const match = TIME.exec(text)
  if (match === null) return undefined
  const part = (index: number): number => Number(match[index] ?? 0)
  const [year, month, day] = [part(1), part(2), part(3)]
  const [hour, minute, second] = [part(4), part(5), part(6)]
  if (month < 1 || month > 12 || day < 1 || day > 31) return undefined
  if (hour > 23 || minute > 59 || second > 60) return undefined
  const offsetSign = match[8]?.startsWith('-') ? -1 : 1
  const offsetS = (part(8) * 60 + offsetSign * part(9)) * 60
  const local = ((daysSince1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
  return local - offsetS + part(7)
}

/** Days of the proleptic Gregorian calendar, counted in eras of 400 years that begin in March. */
function daysSince1970(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}
