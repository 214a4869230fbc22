/** Uploads of a registry in memory, over real sockets, with the behaviours and misbehaviours of real ones as switches. */
import { type Digest, digestOf, isDigest } from '../../../src/oci/digest.ts';
import { type LoopbackServer, type Received, type Reply, refuse, startServer } from './loopback-server.ts';

export interface FakeBehaviour {
  /** Answer to every PATCH. */
  patch?: Reply | undefined;
  /** Answer to every PUT that has a body. */
  putWithBody?: Reply | undefined;
  /** Answer to every PUT that completes an upload; the upload stays as it is. */
  complete?: Reply | undefined;
  /** Longest request body; longer ones get 413 before they are read. */
  bodyLimit?: number | undefined;
  minimum?: number | undefined;
  /** How Location is written, from the path of the session. */
  location?: ((path: string, host: string) => string) | undefined;
  /** Keeps only so many bytes of each PATCH. */
  keep?: number | undefined;
  /** Leaves out Range. */
  silent?: boolean | undefined;
  /** The Range a PATCH is answered with. */
  range?: string | undefined;
  /** As distribution 2.8: a session is lost when it is asked with an old Location. */
  statefulLocation?: boolean | undefined;
}

export interface FakeUploads extends LoopbackServer {
  readonly behaviour: FakeBehaviour;
  readonly blobs: Map<Digest, Buffer>;
  readonly sessions: Map<string, Buffer>;
}

export async function startUploads(behaviour: FakeBehaviour = {}): Promise<FakeUploads> {
  const blobs = new Map<Digest, Buffer>();
  const sessions = new Map<string, Buffer>();
  let count = 0;

  const place = (id: string): Record<string, string> => {
    const state = behaviour.statefulLocation === true ? `?_state=at%20${sessions.get(id)?.length ?? 0}` : '';
    const path = `/v2/team/app/blobs/uploads/${id}${state}`;
    const size = sessions.get(id)?.length ?? 0;
    return {
      location: behaviour.location?.(path, server.host) ?? path,
      ...(behaviour.silent === true ? {} : { range: behaviour.range ?? `0-${Math.max(0, size - 1)}` }),
      ...(behaviour.minimum === undefined ? {} : { 'oci-chunk-min-length': String(behaviour.minimum) }),
    };
  };

  const complete = (id: string, request: Received): Reply => {
    if (request.body.length > 0 && behaviour.putWithBody !== undefined) return behaviour.putWithBody;
    if (behaviour.complete !== undefined) return behaviour.complete;
    const content = Buffer.concat([sessions.get(id) ?? Buffer.alloc(0), request.body]);
    const digest = request.query.get('digest') ?? '';
    sessions.delete(id);
    if (!isDigest(digest) || digestOf(content) !== digest) return refuse(400, 'DIGEST_INVALID');
    blobs.set(digest, content);
    return { status: 201, headers: { location: '/v2/team/app/blobs/x', 'docker-content-digest': digest } };
  };

  const patch = (id: string, request: Received): Reply => {
    if (behaviour.patch !== undefined) return behaviour.patch;
    const held = sessions.get(id) ?? Buffer.alloc(0);
    if (!String(request.headers['content-range']).startsWith(`${held.length}-`)) return refuse(416, 'RANGE_INVALID');
    sessions.set(id, Buffer.concat([held, request.body.subarray(0, behaviour.keep ?? request.body.length)]));
    return { status: 202, headers: place(id) };
  };

  const inSession = (id: string, request: Received): Reply => {
    const held = sessions.get(id);
    if (held === undefined) return refuse(404, 'BLOB_UPLOAD_UNKNOWN');
    if (behaviour.statefulLocation === true && request.query.get('_state') !== `at ${held.length}`) {
      sessions.delete(id);
      return refuse(400, 'BLOB_UPLOAD_INVALID');
    }
    if (request.method === 'GET') return { status: 204, headers: place(id) };
    if (request.method === 'PATCH') return patch(id, request);
    if (request.method === 'PUT') return complete(id, request);
    sessions.delete(id);
    return { status: 204 };
  };

  const answer = (request: Received): Reply => {
    const id = /\/blobs\/uploads\/([^/]*)$/.exec(request.path)?.[1];
    if (id === undefined) return { status: 404 };
    if (id !== '') return inSession(id, request);
    count += 1;
    sessions.set(`s${count}`, Buffer.alloc(0));
    return { status: 202, headers: place(`s${count}`) };
  };

  const early = (request: Omit<Received, 'body'>): Reply | undefined =>
    Number(request.headers['content-length'] ?? 0) > (behaviour.bodyLimit ?? Number.POSITIVE_INFINITY)
      ? { status: 413, body: 'too large' }
      : undefined;
  const server = await startServer(answer, { early });
  return { ...server, behaviour, blobs, sessions };
}
