import { useEffect, useState } from 'react';
import type { ReactNode } from 'react';
import { compareMemory, refreshMethodFits, runKey } from '../../commands/methodFits.ts';
import { Panel } from '../../components/Panel.tsx';
import input from '../../components/Input.module.css';
import { Segments } from '../../components/Segments.tsx';
import { plural } from '../../logic/format.ts';
import { findMethods, methodGroups } from '../../logic/methodGroups.ts';
import type { FoundMethod, MethodGroup } from '../../logic/methodGroups.ts';
import { methodOf } from '../../logic/settings.ts';
import { useRecommendation } from '../../state/selectors.ts';
import { useStudio } from '../../state/store.ts';
import { MethodCards } from './MethodCards.tsx';
import { Recommended } from './Recommended.tsx';
import styles from './MethodPicker.module.css';

/** Every method: a group at a time, or those that a search finds in all groups. */
export function MethodPicker(): ReactNode {
  const methods = useStudio((state) => state.method.methods);
  const chosen = useStudio((state) => methodOf(state.method));
  const recommendation = useRecommendation();
  const [query, setQuery] = useState('');
  const [browsed, setBrowsed] = useState<MethodGroup | null>(null);
  const group = browsed ?? chosen?.group ?? 'lora';
  const isSearch = query.trim() !== '';
  const found: readonly FoundMethod[] = isSearch
    ? findMethods(methods, query)
    : methods.filter((method) => method.group === group).map((method) => ({ method }));
  useFits(found.map(({ method }) => method.peftType));
  return (
    <Panel
      title="Method"
      hint={
        isSearch ? `${plural(found.length, 'method')} found` : methodGroups.find(({ value }) => value === group)?.hint
      }
      aside={
        <input
          type="search"
          className={input.input}
          aria-label="Search methods"
          placeholder={`Search ${methods.length} methods`}
          value={query}
          onChange={(event) => setQuery(event.target.value)}
        />
      }
    >
      <div className={styles.picker}>
        <Recommended recommendation={recommendation} onTake={() => setBrowsed(null)} />
        {!isSearch && (
          <Segments
            label="Kind of method"
            value={group}
            options={methodGroups.filter(({ value }) => methods.some((method) => method.group === value))}
            onChange={setBrowsed}
          />
        )}
        {found.length === 0 ? (
          <p className={styles.none}>No method is called so. Try a word of what it should do, such as “bias”.</p>
        ) : (
          <MethodCards found={found} recommended={recommendation.peftType} />
        )}
      </div>
    </Panel>
  );
}

/** Keeps what is said of the methods on screen up to date with the model, the rows and the run. */
function useFits(shown: readonly string[]): void {
  const model = useStudio((state) => state.model.card);
  const data = useStudio((state) => state.data.card);
  const fits = useStudio((state) => state.method.fits);
  const key = useStudio(runKey);
  const usable = shown.filter((peftType) => fits.some((fit) => fit.peftType === peftType && !fit.reason)).join();
  useEffect(() => void refreshMethodFits(), [model, data]);
  useEffect(() => {
    const leaving = new AbortController();
    if (key !== undefined && usable !== '') void compareMemory(usable.split(','), leaving.signal);
    return () => leaving.abort();
  }, [key, usable]);
}
