import Box from 'lucide-react/icons/box';
import FileUp from 'lucide-react/icons/file-up';
import FolderOpen from 'lucide-react/icons/folder-open';
import type { ReactNode } from 'react';
import { openModelFiles } from '../../commands/model.ts';
import { DropZone } from '../../components/DropZone.tsx';
import { FileButton } from '../../components/FileButton.tsx';
import { NextStep } from '../../components/NextStep.tsx';
import { ErrorNotice } from '../../components/Notice.tsx';
import { ScreenFrame } from '../../components/Panel.tsx';
import { WorkProgress } from '../../components/Progress.tsx';
import { useStudio } from '../../state/store.ts';
import { ModelCardPanel } from './ModelCardPanel.tsx';
import { QuantisePanel } from './QuantisePanel.tsx';
import { SampleCard } from './SampleCard.tsx';
import { StoredModels } from './StoredModels.tsx';
import { WeightsPanel } from './WeightsPanel.tsx';
import styles from './ModelScreen.module.css';

export function ModelScreen(): ReactNode {
  const { card, opening } = useStudio((state) => state.model);
  return (
    <ScreenFrame
      title={card ? 'Your model' : 'Choose a model to teach'}
      lead={
        card
          ? 'This is what its files say. Weights are read from disk when they are needed.'
          : 'Graft teaches a model something new by training a small adapter beside it, on the GPU of this computer.'
      }
    >
      {opening.error && <ErrorNotice error={opening.error} />}
      {card && (
        <>
          <ModelCardPanel card={card} />
          <WeightsPanel card={card} />
          <QuantisePanel card={card} />
        </>
      )}
      <div className={card ? undefined : styles.first}>
        {!card && <SampleCard busy={opening.busy} />}
        <ModelDrop compact={card !== null} />
      </div>
      {opening.busy && <WorkProgress progress={opening.progress} fallback="Opening the model" />}
      <StoredModels title="On this device" />
      {card && <NextStep next="data" label="Next: data" />}
    </ScreenFrame>
  );
}

function ModelDrop({ compact }: { compact: boolean }): ReactNode {
  const open = (files: Parameters<typeof openModelFiles>[0]): void => void openModelFiles(files);
  return (
    <DropZone
      title={compact ? 'Open another model' : 'Drop a model here'}
      hint="A Hugging Face folder, or a single .gguf or .safetensors file. Only the header is read at first."
      icon={<Box />}
      compact={compact}
      onFiles={open}
    >
      <FileButton label="Choose model files" size={compact ? 'small' : 'medium'} icon={<FileUp />} onFiles={open} />
      <FileButton
        label="Choose a model folder"
        size={compact ? 'small' : 'medium'}
        icon={<FolderOpen />}
        folder
        onFiles={open}
      />
    </DropZone>
  );
}
