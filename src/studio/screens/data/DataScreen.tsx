import Boxes from 'lucide-react/icons/boxes';
import FileText from 'lucide-react/icons/file-text';
import FileUp from 'lucide-react/icons/file-up';
import FolderOpen from 'lucide-react/icons/folder-open';
import Images from 'lucide-react/icons/images';
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
import { chosenTask, isClassifierTask, taskText, type Task } from '../../logic/tasks.ts';
import { goTo } from '../../routing.ts';
import { useStudio } from '../../state/store.ts';
import { DataCardPanel } from './DataCardPanel.tsx';
import { FormatGuide } from './FormatGuide.tsx';
import { ImageGrid } from './ImageGrid.tsx';
import { ProblemList } from './ProblemList.tsx';
import { RowInspector } from './RowInspector.tsx';
import { TaskPanel } from './TaskPanel.tsx';

export function DataScreen(): ReactNode {
  const model = useStudio((state) => state.model.card);
  const { card, opening, options } = useStudio((state) => state.data);
  const task = chosenTask(model, options.taskType);
  return (
    <ScreenFrame
      title={card ? 'Your data' : 'Choose what it learns from'}
      lead={card ? leadWithData(card.taskType) : leadWithout(task)}
    >
      {opening.error && <ErrorNotice error={opening.error} />}
      {model ? (
        <>
          <TaskPanel card={model} />
          {card && <DataCardPanel card={card} busy={opening.busy} />}
          {card && card.problems.length > 0 && <ProblemList card={card} />}
          {card && (card.taskType === 'IMAGE_CLS' ? <ImageGrid card={card} /> : <RowInspector card={card} />)}
          <DataDrop compact={card !== null} task={task} />
          {opening.busy && <WorkProgress progress={opening.progress} fallback="Reading the data" />}
          {card ? <NextStep next="method" label="Next: method" /> : <FormatGuide task={task} />}
        </>
      ) : (
        <NeedsModel />
      )}
    </ScreenFrame>
  );
}

function leadWithData(task: Task): string {
  if (task === 'IMAGE_CLS') return 'Look at a few images with their labels: are they what the model is to tell apart?';
  if (isClassifierTask(task)) return 'Look at a few rows as the model sees them, and at how often each label occurs.';
  return 'Look at a few rows as the model sees them: what is learned is underlined in green.';
}

function leadWithout(task: Task): string {
  if (isClassifierTask(task)) return 'A few dozen good examples of each label are enough to begin.';
  return 'A few dozen good examples are enough to change how a model speaks.';
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

function DataDrop({ compact, task }: { compact: boolean; task: Task }): ReactNode {
  const readsImages = task === 'IMAGE_CLS';
  const open = (files: Parameters<typeof openDataFiles>[0]): void => void openDataFiles(files);
  return (
    <DropZone
      title={compact ? 'Use other data' : readsImages ? 'Drop a folder of images here' : 'Drop your data here'}
      hint={taskText(task).data}
      icon={readsImages ? <Images /> : <FileText />}
      compact={compact}
      onFiles={open}
    >
      <FileButton
        label={readsImages ? 'Choose a folder of images' : 'Choose data files'}
        icon={readsImages ? <FolderOpen /> : <FileUp />}
        folder={readsImages}
        size={compact ? 'small' : 'medium'}
        look={compact ? 'plain' : 'primary'}
        onFiles={open}
      />
    </DropZone>
  );
}
