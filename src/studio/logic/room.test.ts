import { describe, expect, it } from 'vitest';
import { hasRoomFor, roomText, whyNoRoom } from './room.ts';

describe('room in the library', () => {
  it('leaves a tenth of what the browser allows', () => {
    expect(hasRoomFor({ usage: 50, quota: 100 }, 40)).toBe(true);
    expect(hasRoomFor({ usage: 50, quota: 100 }, 41)).toBe(false);
    expect(hasRoomFor({ usage: 0, quota: 0 }, 1)).toBe(false);
  });

  it('is taken to be there where the browser does not say', () => {
    expect(hasRoomFor({ usage: 50, quota: null }, 1e12)).toBe(true);
    expect(whyNoRoom({ usage: 50, quota: null }, 1e12)).toBeNull();
    expect(roomText({ usage: 50, quota: null })).toBe('50 B; this browser does not say how much it allows');
  });

  it('is missing with the figures', () => {
    expect(whyNoRoom({ usage: 50, quota: 100 }, 40)).toBeNull();
    expect(whyNoRoom({ usage: 50, quota: 100 }, 60)).toMatch(
      /^A copy of 60 B does not fit: the library holds 50 B of the 100 B that this browser allows\./,
    );
  });
});
