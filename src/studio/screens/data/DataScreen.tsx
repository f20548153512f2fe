import Boxes from 'lucide-react/icons/boxes';
import FileText from 'lucide-react/icons/file-text';
import FileUp from 'lucide-react/icons/file-up';
import type { ReactNode } from 'react';
import { openDataFiles } from '../../commands/data.ts';
import { Button } from '../../components/Button.tsx';
import { DropZone } from '../../components/DropZone.tsx';
import { Empty } from '../../components/Empty.tsx';
import { FileButton } from '../../components/FileButton.tsx';
import { NextStep } from '../../components/NextStep.tsx';
import { ErrorNotice } from '../../components/Notice.tsx';
import { ScreenFrame } from '../../components/Panel.tsx';
import { WorkProgress } from '../../components/Progress.tsx';
import { goTo } from '../../routing.ts';
import { useStudio } from '../../state/store.ts';
import { DataCardPanel } from './DataCardPanel.tsx';
import { FormatGuide } from './FormatGuide.tsx';
import { ProblemList } from './ProblemList.tsx';
import { RowInspector } from './RowInspector.tsx';

export function DataScreen(): ReactNode {
  const hasModel = useStudio((state) => state.model.card !== null);
  const { card, opening } = useStudio((state) => state.data);
  return (
    <ScreenFrame
      title={card ? 'Your data' : 'Choose what it learns from'}
      lead={
        card
          ? 'Look at a few rows as the model sees them: what is learned is underlined in green.'
          : 'A few dozen good examples are enough to change how a model speaks.'
      }
    >
      {opening.error && <ErrorNotice error={opening.error} />}
      {hasModel ? (
        <>
          {card && <DataCardPanel card={card} busy={opening.busy} />}
          {card && card.problems.length > 0 && <ProblemList card={card} />}
          {card && <RowInspector card={card} />}
          <DataDrop compact={card !== null} />
          {opening.busy && <WorkProgress progress={opening.progress} fallback="Reading the data" />}
          {card ? <NextStep next="method" label="Next: method" /> : <FormatGuide />}
        </>
      ) : (
        <NeedsModel />
      )}
    </ScreenFrame>
  );
}

function NeedsModel(): ReactNode {
  return (
    <Empty
      icon={<Boxes />}
      title="A model comes first"
      action={
        <Button look="primary" onClick={() => goTo('model')}>
          Choose a model
        </Button>
      }
    >
      Every model cuts text into its own tokens, so the rows can be read only when the model is known.
    </Empty>
  );
}

function DataDrop({ compact }: { compact: boolean }): ReactNode {
  const open = (files: Parameters<typeof openDataFiles>[0]): void => void openDataFiles(files);
  return (
    <DropZone
      title={compact ? 'Use other data' : 'Drop your data here'}
      hint="JSON lines, JSON, CSV, TSV or plain text. The format is found by itself."
      icon={<FileText />}
      compact={compact}
      onFiles={open}
    >
      <FileButton
        label="Choose data files"
        icon={<FileUp />}
        size={compact ? 'small' : 'medium'}
        look={compact ? 'plain' : 'primary'}
        onFiles={open}
      />
    </DropZone>
  );
}
