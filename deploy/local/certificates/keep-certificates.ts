import { ensureCertificates } from './certificate-files.ts'

/** Looked at often and cheaply, because a laptop that slept has missed every longer timer. */
const CHECK_EVERY_MS = 10 * 60_000

/**
 * Makes the certificates of a run and renews them while it runs, until it is disposed of.
 *
 * The processes notice new files by themselves. A renewal that fails is said and tried again.
 */
export async function keepCertificates(
  folder: string,
  regionIds: readonly string[],
  say: (line: string) => void,
): Promise<Disposable> {
  await ensureCertificates(folder, regionIds, Date.now())
  let checking = false
  const check = async (): Promise<void> => {
    if (checking) return
    checking = true
    try {
      const written = await ensureCertificates(folder, regionIds, Date.now())
      if (written.length > 0) say(`renewed the certificates of ${written.join(', ')}`)
    } catch (error) {
      say(`the certificates could not be renewed: ${error}`)
    } finally {
      checking = false
    }
  }
  const timer = setInterval(check, CHECK_EVERY_MS)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
