import ChevronLeft from 'lucide-react/icons/chevron-left';
import ChevronRight from 'lucide-react/icons/chevron-right';
import { Tabs } from 'radix-ui';
import type { ReactNode } from 'react';
import type { DataCard, RowView, TokenView } from '../../../engine/api.ts';
import { showRow } from '../../commands/data.ts';
import { IconButton } from '../../components/Button.tsx';
import { NumberInput } from '../../components/NumberInput.tsx';
import { ErrorNotice } from '../../components/Notice.tsx';
import { Panel } from '../../components/Panel.tsx';
import { formatCount } from '../../logic/format.ts';
import { rowsInFile } from '../../logic/rows.ts';
import { useStudio } from '../../state/store.ts';
import { TokenText } from './TokenText.tsx';
import styles from './RowInspector.module.css';

/** One row in three views: as it stands in the file, through the template, and as tokens with what is learned. */
export function RowInspector({ card }: { card: DataCard }): ReactNode {
  const { row, rowError } = useStudio((state) => state.data);
  return (
    <Panel title="A row, as the model sees it" aside={<RowPicker rows={rowsInFile(card)} />}>
      {rowError && <ErrorNotice error={rowError} />}
      {row?.labels && <RowLabels labels={row.labels} />}
      {row && <RowTabs row={row} />}
    </Panel>
  );
}

function RowPicker({ rows }: { rows: number }): ReactNode {
  const index = useStudio((state) => state.data.rowIndex);
  return (
    <div className={styles.picker}>
      <IconButton label="Previous row" disabled={index <= 0} onClick={() => void showRow(index - 1)}>
        <ChevronLeft />
      </IconButton>
      <div className={styles.number}>
        <NumberInput
          label="Row number"
          value={index + 1}
          kind="integer"
          minimum={1}
          maximum={rows}
          onChange={(value) => void showRow(value - 1)}
        />
      </div>
      <span className={styles.of}>of {formatCount(rows)}</span>
      <IconButton label="Next row" disabled={index >= rows - 1} onClick={() => void showRow(index + 1)}>
        <ChevronRight />
      </IconButton>
    </div>
  );
}

/** What a classifier is to say of the row. */
function RowLabels({ labels }: { labels: readonly string[] }): ReactNode {
  return (
    <p className={styles.labels}>
      {labels.length === 1 ? 'Label' : 'Labels'}
      {labels.length === 0 && <span className={styles.of}>none</span>}
      {labels.map((label, index) => (
        <strong key={index} className={styles.chip}>
          {label}
        </strong>
      ))}
    </p>
  );
}

/** A row in one piece; or of a model that has an encoder, what that reads and what the decoder learns to write. */
function SourceAndTarget({ source, target }: { source: ReactNode; target: ReactNode }): ReactNode {
  if (!target) return source;
  return (
    <>
      <h3 className={styles.half}>Source, which is read</h3>
      {source}
      <h3 className={styles.half}>Target, which is learned</h3>
      {target}
    </>
  );
}

/** A row with labels of its own, or with a target, is learned as a whole. */
function partsOf({ labels, target }: RowView): readonly TokenView['part'][] {
  return labels || target ? ['context', 'cut'] : ['learned', 'context', 'cut'];
}

function RowTabs({ row }: { row: RowView }): ReactNode {
  return (
    <Tabs.Root defaultValue="tokens">
      <Tabs.List className={styles.tabs} aria-label="Views of the row">
        <Tabs.Trigger className={styles.tab} value="raw">
          Raw
        </Tabs.Trigger>
        <Tabs.Trigger className={styles.tab} value="rendered">
          Rendered
        </Tabs.Trigger>
        <Tabs.Trigger className={styles.tab} value="tokens">
          Tokens
        </Tabs.Trigger>
      </Tabs.List>
      <Tabs.Content className={styles.content} value="raw">
        <pre className={styles.text}>{row.raw}</pre>
      </Tabs.Content>
      <Tabs.Content className={styles.content} value="rendered">
        <SourceAndTarget
          source={<pre className={styles.text}>{row.rendered}</pre>}
          target={row.target && <pre className={styles.text}>{row.target.rendered}</pre>}
        />
      </Tabs.Content>
      <Tabs.Content className={styles.content} value="tokens">
        <SourceAndTarget
          source={<TokenText tokens={row.tokens} parts={partsOf(row)} />}
          target={row.target && <TokenText tokens={row.target.tokens} parts={['learned', 'cut']} />}
        />
      </Tabs.Content>
    </Tabs.Root>
  );
}
