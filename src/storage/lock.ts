/** One tab at a time writes to the library: two would sweep each other's copies away and share one GPU. */

export type LockResult = 'held' | 'elsewhere';

const NAME = 'graft-library';
/** how long another tab has to answer where there is no lock manager, in milliseconds */
const ANSWER_TIME = 300;

let pending: Promise<LockResult> | undefined;

/**
 * Takes the library for this tab until it is closed; asking again while it is held gives 'held' again. 'elsewhere' means that
 * another tab has it; ask again later to take over. Where the browser has no lock manager, the tabs agree by messages; where it
 * has neither, the answer is 'held'.
 */
export function acquireLibraryLock(): Promise<LockResult> {
  pending ??= acquire().then((result) => {
    if (result === 'elsewhere') pending = undefined;
    return result;
  });
  return pending;
}

async function acquire(): Promise<LockResult> {
  const locks = typeof navigator === 'undefined' ? undefined : (navigator.locks as LockManager | undefined);
  if (locks) return acquireByLockManager(locks);
  return typeof BroadcastChannel === 'undefined' ? 'held' : acquireByMessages();
}

function acquireByLockManager(locks: LockManager): Promise<LockResult> {
  return new Promise((resolve, reject) => {
    const request = locks.request(NAME, { ifAvailable: true }, (lock) => {
      if (!lock) {
        resolve('elsewhere');
        return undefined;
      }
      resolve('held');
      return new Promise<never>(() => undefined); // the lock is held as long as this is pending: until the tab is closed
    });
    request.catch(reject);
  });
}

type Message = { readonly kind: 'ask'; readonly from: string } | { readonly kind: 'taken'; readonly to: string };

/**
 * Asks whether another tab has the library and takes it where none answers in time. Of two tabs that ask at once, the one with
 * the smaller id wins.
 */
function acquireByMessages(): Promise<LockResult> {
  return new Promise((resolve) => {
    const channel = new BroadcastChannel(NAME);
    const id = crypto.randomUUID();
    let held = false;
    const post = (message: Message) => channel.postMessage(message);
    const giveUp = () => {
      clearTimeout(timer);
      channel.close();
      resolve('elsewhere');
    };
    const timer = setTimeout(() => {
      held = true; // the channel stays open, to answer those who ask later
      resolve('held');
    }, ANSWER_TIME);
    channel.onmessage = ({ data }: MessageEvent<Message>) => {
      if (data.kind === 'ask' && (held || id < data.from)) post({ kind: 'taken', to: data.from });
      else if (data.kind === 'ask')
        giveUp(); // it may have opened its channel too late to hear us ask
      else if (data.to === id && !held) giveUp();
    };
    post({ kind: 'ask', from: id });
  });
}
