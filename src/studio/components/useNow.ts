import { useEffect, useState } from 'react';

/** The time of day in milliseconds, renewed at this pace, for texts such as '40 s ago'. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
