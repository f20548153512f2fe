import ImageUp from 'lucide-react/icons/image-up';
import Tags from 'lucide-react/icons/tags';
import type { ReactNode } from 'react';
import { askPlayground, isWriting, setPlayground } from '../../commands/playground.ts';
import { Button } from '../../components/Button.tsx';
import { DropZone } from '../../components/DropZone.tsx';
import { FileButton } from '../../components/FileButton.tsx';
import { Thumbnail } from '../../components/Thumbnail.tsx';
import { useStudio } from '../../state/store.ts';
import type { ModelFile } from '../../../engine/api.ts';
import box from './PromptBox.module.css';
import styles from './ClassifyBox.module.css';

/** A text or an image for a classifier. */
export function ClassifyBox({ readsImages }: { readsImages: boolean }): ReactNode {
  const playground = useStudio((state) => state.playground);
  const isEmpty = readsImages ? playground.image === null : playground.prompt.trim() === '';
  return (
    <form
      className={box.box}
      onSubmit={(event) => {
        event.preventDefault();
        void askPlayground();
      }}
    >
      {readsImages ? (
        <ImageInput image={playground.image} />
      ) : (
        <textarea
          className={box.prompt}
          aria-label="Text"
          placeholder="A text to classify"
          rows={3}
          value={playground.prompt}
          onChange={(event) => setPlayground({ prompt: event.target.value })}
        />
      )}
      <div className={box.foot}>
        <span />
        <Button look="primary" type="submit" icon={<Tags />} disabled={isEmpty || isWriting(playground)}>
          Classify
        </Button>
      </div>
    </form>
  );
}

function ImageInput({ image }: { image: ModelFile | null }): ReactNode {
  const take = ([first]: readonly ModelFile[]): void => {
    if (first) setPlayground({ image: first });
  };
  return (
    <div className={styles.image}>
      {image && (
        <div className={styles.chosen}>
          <Thumbnail blob={image.blob} alt={image.path} />
          <p className={styles.name}>{image.path}</p>
        </div>
      )}
      <DropZone
        title={image ? 'Use another image' : 'Drop an image here'}
        hint="PNG, JPEG or WebP. It is resized as the model needs it."
        icon={<ImageUp />}
        compact
        onFiles={take}
      >
        <FileButton
          label="Choose an image"
          icon={<ImageUp />}
          size="small"
          multiple={false}
          accept="image/png,image/jpeg,image/webp"
          onFiles={take}
        />
      </DropZone>
    </div>
  );
}
