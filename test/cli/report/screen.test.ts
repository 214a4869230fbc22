import { describe, expect, it } from 'vitest';
import { Screen } from '../../../src/cli/report/screen.ts';
import { FakeTerminal } from '../terminal.ts';

describe('Screen', () => {
  it('replaces what it drew and leaves nothing behind', () => {
    const terminal = new FakeTerminal(40);
    const screen = new Screen(terminal);
    terminal.write('before\n');
    screen.draw(['one', 'two', 'three']);
    screen.draw(['1', '2']);
    expect(terminal.screen).toEqual(['before', '1', '2']);
    screen.erase();
    expect(terminal.screen).toEqual(['before']);
  });

  it('prints lines above the view', () => {
    const terminal = new FakeTerminal(40);
    const screen = new Screen(terminal);
    screen.draw(['view']);
    screen.print('warning\n');
    screen.draw(['view again']);
    expect(terminal.screen).toEqual(['warning', 'view again']);
  });

  it('erases what a narrower terminal has wrapped', () => {
    const terminal = new FakeTerminal(60);
    const screen = new Screen(terminal);
    terminal.write('before\n');
    screen.draw(['x'.repeat(59), 'short', `\u001b[1m${'y'.repeat(50)}\u001b[0m`]);
    terminal.resize(20);
    screen.draw(['small']);
    expect(terminal.screen).toEqual(['before', 'small']);
    terminal.resize(100);
    screen.erase();
    expect(terminal.screen).toEqual(['before']);
  });

  it('takes 80 columns and 24 rows where the terminal does not tell', () => {
    const screen = new Screen({ write: () => true, columns: 0 });
    expect([screen.columns, screen.rows]).toEqual([80, 24]);
  });
});
