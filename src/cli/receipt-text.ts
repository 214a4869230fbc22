/** What a run did, for readers and for programs. Pure. */
import type { ImageReceipt, Outcome } from '../copy/receipt.ts';
import type { MirrorResult } from '../corridor.ts';
import type { HostStatistics } from '../http/client.ts';
import { printOrigin } from '../input/requested.ts';
import { printReference } from '../oci/reference.ts';
import { printAsked } from '../oci/retag.ts';
import { errorFields } from './error-text.ts';
import { imageSize } from './plan-text.ts';
import { counted, imageName, sizeText, tableLines, timeText } from './report/text.ts';

/** One host, as seen from one end. */
export interface EndStatistics extends HostStatistics {
  readonly end: 'source' | 'target';
}

export interface ReceiptFacts {
  readonly result: MirrorResult;
  readonly milliseconds: number;
  readonly hosts: readonly EndStatistics[];
  /** Images, as printed, that wait for volumes which are not here. */
  readonly waiting?: ReadonlySet<string>;
}

/** What became of the images that were planned: those unchanged or not resolved are in the plan already. Fits into `columns`. */
export function receiptLines(facts: ReceiptFacts, columns?: number): string[] {
  const waiting = facts.waiting ?? new Set();
  const words = { ...outcomeWords, mounted: mountedWord(facts.result) };
  const rows = facts.result.receipt.images.map((receipt) => imageRow(receipt, { waiting, words }));
  return [
    ...(rows.length === 0 ? [] : [...tableLines(rows, { columns, shrink: 1 }), '']),
    ...tableLines(totalRows(facts)),
    ...hostLines(facts.hosts, columns),
    '',
  ];
}

const outcomeWords: Readonly<Record<Outcome, string>> = {
  copied: 'copied',
  mounted: 'mounted',
  present: 'already there',
};

/** Where names are kept, repositories share content by themselves. */
function mountedWord({ lock }: MirrorResult): string {
  return lock.rule.naming === 'keep' ? 'shared' : 'mounted';
}

function imageRow(
  receipt: ImageReceipt,
  told: { readonly waiting: ReadonlySet<string>; readonly words: Readonly<Record<Outcome, string>> },
): string[] {
  const { waiting, words } = told;
  const reference = printAsked(receipt.image);
  const name = imageName(reference);
  if (receipt.status === 'failed') return [waiting.has(reference) ? 'waiting' : 'failed', name, 'see below'];
  const counts = blobCounts(receipt);
  const moved = counts.copied + counts.mounted;
  const parts = (['copied', 'mounted', 'present'] as const).filter((outcome) => counts[outcome] > 0);
  const detail = parts.map((outcome) => `${counts[outcome]} ${words[outcome]}`).join(', ');
  return [
    moved === 0 ? 'present' : 'complete',
    name,
    `${sizeText(imageSize(receipt.image))}: ${detail === '' ? 'no blobs' : `blobs ${detail}`}`,
  ];
}

/** Outcomes of blobs alone; manifests have outcomes too. */
function blobCounts({ image, outcomes }: Extract<ImageReceipt, { status: 'complete' }>): Record<Outcome, number> {
  const counts: Record<Outcome, number> = { copied: 0, mounted: 0, present: 0 };
  for (const digest of new Set(image.blobs.map((blob) => blob.digest))) {
    const outcome = outcomes.get(digest);
    if (outcome !== undefined) counts[outcome] += 1;
  }
  return counts;
}

function totalRows({ result, milliseconds, hosts, waiting }: ReceiptFacts): string[][] {
  const { totals, images } = result.receipt;
  const failed = result.failures.length + images.filter((image) => image.status === 'failed').length;
  const complete = images.length + result.failures.length + result.plan.unchanged.length - failed;
  const source = hosts.filter((host) => host.end === 'source');
  const requests = source.reduce((sum, host) => sum + host.requests, 0);
  const rows = [
    ['images', countsText({ complete, failed, waiting: waiting?.size ?? 0 })],
    ['copied', copiedText(result)],
  ];
  if (totals.mountedBlobs > 0)
    rows.push([mountedWord(result), `${counted(totals.mountedBlobs, 'blob')}, ${sizeText(totals.mountedBytes)}`]);
  if (totals.presentBlobs > 0)
    rows.push(['already there', `${counted(totals.presentBlobs, 'blob')}, ${sizeText(totals.presentBytes)}`]);
  if (result.verification.images > 0) rows.push(['verified', verifiedText(result)]);
  rows.push(['upstream', `${counted(requests, 'request')}, ${sizeText(totals.fetchedBytes)} of blobs read`]);
  rows.push(['time', timeText(milliseconds)]);
  return rows;
}

function countsText(counts: { readonly complete: number; readonly failed: number; readonly waiting: number }): string {
  const failed = counts.failed - counts.waiting;
  return [
    `${counts.complete} complete`,
    ...(failed === 0 ? [] : [`${failed} failed`]),
    ...(counts.waiting === 0 ? [] : [`${counts.waiting} waiting`]),
  ].join(', ');
}

function copiedText({ receipt, failures }: MirrorResult): string {
  const { copiedBlobs, copiedBytes, mountedBlobs, manifests } = receipt.totals;
  const isNothing =
    copiedBlobs + mountedBlobs + manifests === 0 && receipt.images.every(({ status }) => status === 'complete');
  if (isNothing) return failures.length === 0 ? 'nothing: everything was in place' : 'nothing';
  return `${counted(copiedBlobs, 'blob')}, ${sizeText(copiedBytes)}`;
}

function verifiedText({ verification }: MirrorResult): string {
  const { images, manifests, blobs, findings } = verification;
  const verdict = findings.length === 0 ? 'everything stands' : counted(findings.length, 'finding');
  return `${counted(images, 'image')}, ${counted(manifests, 'manifest')}, ${counted(blobs, 'blob')}: ${verdict}`;
}

function hostLines(hosts: readonly EndStatistics[], columns: number | undefined): string[] {
  if (hosts.length === 0) return [];
  const rows = hosts.map(({ end, host, purpose, requests, receivedBytes, sentBytes }) => {
    const role = purpose === 'registry' ? end : `${end} (${purpose})`;
    return [
      host,
      role,
      counted(requests, 'request'),
      `${sizeText(receivedBytes)} received`,
      `${sizeText(sentBytes)} sent`,
    ];
  });
  return ['', 'hosts contacted', ...tableLines(rows, { indent: '  ', right: [2, 3, 4], columns })];
}

/** The same for programs; nothing in it is secret. */
export function receiptFields({
  result,
  milliseconds,
  hosts,
  waiting,
}: ReceiptFacts): Readonly<Record<string, unknown>> {
  return {
    images: [
      ...result.receipt.images.map((image) => imageFields(image, waiting)),
      ...result.plan.unchanged.map((image) => ({
        ...requestFields(image),
        status: 'unchanged',
        digest: image.root.digest,
      })),
      ...result.failures.map(({ image, error }) => ({
        ...requestFields(image),
        status: 'failed',
        error: errorFields(error),
      })),
    ],
    totals: result.receipt.totals,
    verification: result.verification,
    milliseconds: Math.round(milliseconds),
    hosts,
  };
}

function imageFields(
  receipt: ImageReceipt,
  waiting: ReadonlySet<string> = new Set(),
): Readonly<Record<string, unknown>> {
  const fields = { ...requestFields(receipt.image), digest: receipt.image.root.digest, size: imageSize(receipt.image) };
  const status = waiting.has(printAsked(receipt.image)) ? 'waiting' : 'failed';
  if (receipt.status === 'failed') return { ...fields, status, error: errorFields(receipt.error) };
  return { ...fields, status: 'complete', blobs: blobCounts(receipt) };
}

function requestFields(
  image: ImageReceipt['image'] | MirrorResult['plan']['unchanged'][number] | MirrorResult['failures'][number]['image'],
) {
  return {
    source: printReference(image.reference),
    target: printReference(image.target),
    origins: image.origins.map(printOrigin),
  };
}
