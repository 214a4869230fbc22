/** An upgrade as its readers see it: numbered lines, or JSON. Pure. */
import type { UpgradePath } from '../../talos/upgrade.ts';
import { printTalosVersion } from '../../talos/version.ts';
import { tableLines } from '../report/text.ts';

/** One line for each step: what, from where to where, and what it is done with. Without `unicode` the arrow is `->`. */
export function upgradeLines(path: UpgradePath, unicode: boolean): string[] {
  const arrow = unicode ? '→' : '->';
  const rows = path.steps.map((step, index) => {
    const number = `${index + 1}.`;
    return step.kind === 'talos'
      ? [
          number,
          'Talos',
          `${printTalosVersion(step.from)} ${arrow} ${printTalosVersion(step.to)}`,
          `installer ${step.installer}`,
        ]
      : [number, 'Kubernetes', `v${step.from} ${arrow} v${step.to}`, `on Talos ${printTalosVersion(step.talos)}`];
  });
  return tableLines(rows, { right: [0] });
}

/** As part of a larger document: nothing where there is no upgrade. */
export function upgradePart(path: UpgradePath | undefined): { readonly upgrade?: Readonly<Record<string, unknown>> } {
  return path === undefined ? {} : { upgrade: upgradeFields(path) };
}

/** The same for programs. */
function upgradeFields(path: UpgradePath): Readonly<Record<string, unknown>> {
  return {
    from: printTalosVersion(path.from),
    to: printTalosVersion(path.to),
    kubernetes: { from: `v${path.kubernetes.from}`, to: `v${path.kubernetes.to}` },
    steps: path.steps.map((step) =>
      step.kind === 'talos'
        ? {
            upgrade: 'talos',
            from: printTalosVersion(step.from),
            to: printTalosVersion(step.to),
            installer: step.installer,
            kubernetes: `v${step.kubernetes}`,
          }
        : { upgrade: 'kubernetes', from: `v${step.from}`, to: `v${step.to}`, talos: printTalosVersion(step.talos) },
    ),
  };
}
