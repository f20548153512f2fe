import { useEffect, useRef } from 'react';
import { freshStart } from '../components/freshStart.ts';
import { isActive } from '../logic/readiness.ts';
import { shareDone } from '../logic/runProgress.ts';
import type { Screen } from '../routing.ts';
import { useStudio } from '../state/store.ts';

/** The browser asks before it leaves a page that is training. */
export function useLeaveGuard(): void {
  const active = useStudio((state) => isActive(state.run.status));
  useEffect(() => {
    if (!active) return undefined;
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    addEventListener('beforeunload', ask);
    return () => removeEventListener('beforeunload', ask);
  }, [active]);
}

/** The tab's title tells how far the run is, for those who look elsewhere meanwhile. */
export function useTabTitle(): void {
  const percent = useStudio((state) => (isActive(state.run.status) ? Math.floor(shareDone(state.run) * 100) : null));
  useEffect(() => {
    document.title = percent === null ? 'Graft' : `${percent} % · Graft`;
  }, [percent]);
}

/** On a new screen the focus goes to its title and the page to its top; not on the first paint. */
export function useFreshScreen(screen: Screen): void {
  const previous = useRef(screen);
  useEffect(() => {
    if (previous.current === screen) return;
    previous.current = screen;
    freshStart();
  }, [screen]);
}
