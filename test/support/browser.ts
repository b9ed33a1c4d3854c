import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium } from 'playwright-core'
import type { Test } from 'tap'
import { skipOrFail } from './skip.js'

const usual = process.env.CHROMIUM ?? '/usr/bin/chromium'

// Nothing but the pages under test is to be asked for.
const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

export interface Windows {
  /** A private window: a browser context that shares nothing with another. */
  open (): Promise<BrowserContext>
}

/** A real Chromium, closed when the test ends; `null` (and the test skipped, in CI failed) where there is none. */
export async function startBrowser (t: Test, more: readonly string[] = [], executablePath = usual): Promise<Windows | null> {
  if (!existsSync(executablePath)) {
    skipOrFail(t, `needs Chromium at ${executablePath} (or CHROMIUM)`)
    return null
  }
  const home = mkdtempSync(join(tmpdir(), 'typed-session-chromium-'))
  const browser = await chromium.launch({ executablePath, args: [...args, ...more], headless: true, env: { ...process.env, HOME: home } as Record<string, string> })
  t.teardown(async () => {
    await browser.close()
    rmSync(home, { recursive: true, force: true })
  })
  return {
    async open () {
      const context = await browser.newContext({ ignoreHTTPSErrors: true })
      context.setDefaultTimeout(20_000)
      return context
    }
  }
}
