import { useEffect, useState } from 'react';
import type { ReactNode } from 'react';
import { formatLoss } from '../logic/format.ts';
import { useStudio } from '../state/store.ts';
import type { StudioState } from '../state/store.ts';

const everyMs = 10_000;

/** Tells screen readers how the run goes: a change of status at once, figures at most every ten seconds. */
export function Announcer(): ReactNode {
  const status = useStudio((state) => state.run.status);
  const [figures, setFigures] = useState('');
  useEffect(() => {
    if (status !== 'running') return undefined;
    const timer = setInterval(() => setFigures(figuresText(useStudio.getState())), everyMs);
    return () => clearInterval(timer);
  }, [status]);
  return (
    <p className="visually-hidden" aria-live="polite">
      {statusWords[status]} {status === 'running' && figures}
    </p>
  );
}

const statusWords: Readonly<Record<StudioState['run']['status'], string>> = {
  idle: '',
  preparing: 'The run is being prepared.',
  running: 'Training is running.',
  paused: 'Training is paused.',
  finished: 'Training has finished.',
  stopped: 'Training was stopped.',
  failed: 'Training failed.',
  interrupted: 'Training was cut off.',
};

function figuresText({ run: { pace, lastLoss } }: StudioState): string {
  if (!pace) return '';
  const loss = lastLoss === null ? '' : `, loss ${formatLoss(lastLoss)}`;
  return `Step ${pace.step} of ${pace.totalSteps}${loss}.`;
}
