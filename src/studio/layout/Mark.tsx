import type { ReactNode } from 'react';

/** Two stems bound into one: the sign of Graft. */
export function Mark(): ReactNode {
  return (
    <svg viewBox="0 0 64 64" width="28" height="28" aria-hidden="true">
      <rect width="64" height="64" rx="14" fill="#1f5f43" />
      <g fill="none" strokeLinecap="round" strokeLinejoin="round">
        <path d="M30 56V34" stroke="#e9dcc0" strokeWidth="8" />
        <path d="M30 34C30 24 23 20 17 17" stroke="#e9dcc0" strokeWidth="6" />
        <path d="M30 38C30 28 37 23 43 19" stroke="#8fe0a8" strokeWidth="6" />
        <path d="M24 41L36 37M24 47L36 43" stroke="#f0a35e" strokeWidth="3" />
      </g>
      <path d="M41 22C40 13 46 9 54 9C55 17 50 23 41 22Z" fill="#8fe0a8" />
    </svg>
  );
}
