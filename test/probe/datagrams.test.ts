import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { probeDestination } from '../../src/probe/destination.ts';
import { ntpQuestion, readNtpAnswer } from '../../src/probe/ntp.ts';
import { startNameServer } from '../support/nameServer.ts';
import { closing, destination, freePort, probing, serveRaw, serveUdp } from './world.ts';

const udp = { protocol: 'udp', isRegistry: false } as const;

/** As a server answers: mode 4, the time the question had. */
function timeAnswer(question: Buffer, { stratum = 2, code = '' } = {}): Buffer {
  const answer = Buffer.alloc(48);
  answer.writeUInt8(0x24, 0);
  answer.writeUInt8(stratum, 1);
  answer.write(code, 12, 'latin1');
  question.copy(answer, 24, 40, 48);
  return answer;
}

describe('time', () => {
  const tried = async (answer: (question: Buffer) => Uint8Array | undefined) =>
    await probeDestination(destination(await serveUdp(answer), { ...udp, speaks: 'ntp' }), probing());

  it('is open where a server answers this very question', async () => {
    const probed = await tried((question) => timeAnswer(question));
    expect(probed).toMatchObject({ verdict: 'open', state: 'tells the time, stratum 2', notes: [] });
  });

  it('is open, with a note, where the server has no time to tell', async () => {
    const unset = await tried((question) => timeAnswer(question, { stratum: 16 }));
    expect(unset).toMatchObject({ verdict: 'open', notes: [expect.stringMatching(/not set/)] });
    const kiss = await tried((question) => timeAnswer(question, { stratum: 0, code: 'RATE' }));
    expect(kiss).toMatchObject({
      verdict: 'open',
      state: 'answers, and tells no time',
      notes: [expect.stringMatching(/RATE/)],
    });
  });

  it.each([
    ['garbage', () => Buffer.from('no time')],
    ['its own question', (question: Buffer) => question],
    ['the answer to another question', () => timeAnswer(ntpQuestion())],
  ])('is answered wrongly with %s', async (_, answer) => {
    expect(await tried(answer)).toMatchObject({ verdict: 'wrong answer', step: 'answer' });
  });

  it('is blocked where nothing comes back, or a refusal', async () => {
    expect(await tried(() => undefined)).toMatchObject({ verdict: 'blocked', state: 'no answer within 0.4 s' });
    const nobody = destination(await freePort(), { ...udp, speaks: 'ntp' });
    expect(await probeDestination(nobody, probing())).toMatchObject({
      verdict: 'blocked',
      state: 'port unreachable (ICMP)',
    });
  });

  it('a lost datagram is sent again', async () => {
    let count = 0;
    const probed = await tried((question) => {
      count += 1;
      return count === 1 ? undefined : timeAnswer(question);
    });
    expect(probed.verdict).toBe('open');
  });

  it('any bytes are read without an error, and none that repeats another time', () => {
    const question = ntpQuestion();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(readNtpAnswer(Buffer.from(bytes), question)).toBeUndefined();
      }),
    );
  });
});

describe('names', () => {
  it.each(['udp', 'tcp'] as const)('are open over %s where an answer to the question comes', async (protocol) => {
    const dns = await startNameServer();
    closing(() => dns.close());
    const one = destination(dns.server.port, { ...udp, protocol, speaks: 'dns', host: '127.0.0.1' });
    const unknown = await probeDestination(one, probing());
    expect(unknown).toMatchObject({ verdict: 'open', state: 'answers: "registry.site" is not a name it knows' });
    dns.set('registry.site', { addresses: ['127.0.0.1'] });
    expect(await probeDestination(one, probing())).toMatchObject({ verdict: 'open', state: 'answers' });
    dns.set('registry.site', { fault: 'REFUSED' });
    expect(await probeDestination(one, probing())).toMatchObject({ verdict: 'wrong answer' });
    dns.set('registry.site', { fault: 'garbage' });
    expect(await probeDestination(one, probing())).toMatchObject({ verdict: 'wrong answer' });
    dns.set('registry.site', { fault: 'silent' });
    expect(await probeDestination(one, probing())).toMatchObject({ verdict: 'blocked', step: 'answer' });
    await dns.stop();
    expect(await probeDestination(one, probing())).toMatchObject({ verdict: 'blocked' });
  });

  it('a connection that is cut is no answer', async () => {
    const port = await serveRaw((socket) => void socket.end());
    const one = destination(port, { ...udp, protocol: 'tcp', speaks: 'dns' });
    expect(await probeDestination(one, probing())).toMatchObject({ verdict: 'blocked', step: 'answer' });
  });
});

describe('WireGuard', () => {
  it('cannot be told, unless a refusal comes back', async () => {
    const quiet = destination(await serveUdp(() => undefined), { ...udp, speaks: 'wireguard' });
    expect(await probeDestination(quiet, probing())).toMatchObject({
      verdict: 'unknown',
      state: expect.stringMatching(/not refused/),
    });
    const nobody = destination(await freePort(), { ...udp, speaks: 'wireguard' });
    expect(await probeDestination(nobody, probing())).toMatchObject({ verdict: 'blocked' });
  });
});
