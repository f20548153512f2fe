import Check from 'lucide-react/icons/check';
import LoaderCircle from 'lucide-react/icons/loader-circle';
import type { ReactNode } from 'react';
import { classes } from '../components/classes.ts';
import { screens, useScreen } from '../routing.ts';
import type { Screen } from '../routing.ts';
import { useStudio } from '../state/store.ts';
import { railState } from './railStates.ts';
import type { RailState } from './railStates.ts';
import styles from './Rail.module.css';

const names: Readonly<Record<Screen, string>> = {
  model: 'Model',
  data: 'Data',
  method: 'Method',
  train: 'Train',
  playground: 'Playground',
  library: 'Library',
};

/** The six screens in the order of the work; the first four are joined like a stem that grows as they become ready. */
export function Rail(): ReactNode {
  return (
    <nav className={styles.rail} aria-label="Screens">
      <ol className={styles.list}>
        {screens.map((screen, index) => (
          <RailItem key={screen} screen={screen} number={index + 1} />
        ))}
      </ol>
    </nav>
  );
}

function RailItem({ screen, number }: { screen: Screen; number: number }): ReactNode {
  const current = useScreen() === screen;
  const kind = useStudio((state) => railState(screen, state).kind);
  const detail = useStudio((state) => railState(screen, state).detail);
  return (
    <li className={classes(styles.item, styles[kind], number < 4 && styles.joined, number === 5 && styles.apart)}>
      <a href={`#/${screen}`} className={styles.link} aria-current={current ? 'page' : undefined}>
        <span className={styles.bead} aria-hidden="true">
          <Bead kind={kind} number={number} />
        </span>
        <span className={styles.words}>
          <span className={styles.name}>
            <span className="visually-hidden">{number} </span>
            {names[screen]}
          </span>
          <span className={styles.detail}>{detail}</span>
        </span>
      </a>
    </li>
  );
}

function Bead({ kind, number }: { kind: RailState['kind']; number: number }): ReactNode {
  if (kind === 'ready') return <Check strokeWidth={3} />;
  if (kind === 'busy') return <LoaderCircle className={styles.turning} />;
  return kind === 'error' ? '!' : number;
}
