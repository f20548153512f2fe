import type { ReactNode } from 'react';
import { Panel } from '../../components/Panel.tsx';
import { useStudio } from '../../state/store.ts';
import { RunRow } from './RunRow.tsx';
import styles from './Table.module.css';

export function RunTable(): ReactNode {
  const runs = useStudio((state) => state.library.runs);
  return (
    <Panel title="Runs" flush={runs.length > 0}>
      {runs.length === 0 ? (
        <p className={styles.none}>No run yet. Each run you start is listed here, with its settings and its losses.</p>
      ) : (
        <div className={styles.scroll}>
          <table className={styles.table}>
            <thead>
              <tr>
                <th scope="col">Run</th>
                <th scope="col">Status</th>
                <th scope="col">Loss</th>
                <th scope="col">Best evaluation</th>
                <th scope="col">
                  <span className="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {runs.map((run) => (
                <RunRow key={run.id} run={run} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}
