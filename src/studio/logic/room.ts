import type { StorageReport } from '../../engine/api.ts';
import { formatBytes } from './format.ts';

type Room = Pick<StorageReport, 'usage' | 'quota'>;

/** Share of what the browser allows that the library fills. */
const usableShare = 0.9;

/** Whether `bytes` more may be kept. True where the browser does not say: what it has no room for it refuses. */
export function hasRoomFor({ usage, quota }: Room, bytes: number): boolean {
  return quota === null || usage + bytes <= quota * usableShare;
}

/** '2 GB of the 10 GB that this browser allows' */
export function roomText({ usage, quota }: Room): string {
  const used = formatBytes(usage);
  return quota === null
    ? `${used}; this browser does not say how much it allows`
    : `${used} of the ${formatBytes(quota)} that this browser allows`;
}

/** Why a copy of so many bytes is not kept; null where there is room for it. */
export function whyNoRoom(room: Room, bytes: number): string | null {
  if (hasRoomFor(room, bytes)) return null;
  return `A copy of ${formatBytes(bytes)} does not fit: the library holds ${roomText(room)}. Delete what you no longer need first.`;
}
