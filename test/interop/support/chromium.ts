/** Debian's chromium for the tests of pages. */
import { type Browser, chromium } from 'playwright-core';

/** Without the sandbox, which needs privileges that containers and root do not have; the rest keeps the browser off the network. */
export function launchChromium(): Promise<Browser> {
  const args = '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking';
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [...args.split(' '), '--disable-component-update', '--disable-sync'],
  });
}
