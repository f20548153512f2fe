import type { ReactNode } from 'react';
import { setField } from '../../commands/method.ts';
import { ErrorNotice } from '../../components/Notice.tsx';
import { Panel, ScreenFrame } from '../../components/Panel.tsx';
import { fieldNamedIn } from '../../logic/errors.ts';
import { formFields, methodFields, methodOf } from '../../logic/settings.ts';
import { useStudio } from '../../state/store.ts';
import { AdviceList } from './AdviceList.tsx';
import { Continued } from './Continued.tsx';
import { FieldGrid } from './FieldGrid.tsx';
import { MethodFacts } from './MethodFacts.tsx';
import { MethodPicker } from './MethodPicker.tsx';
import { RunFileButtons } from './RunFileButtons.tsx';

export function MethodScreen(): ReactNode {
  const method = useStudio((state) => state.method);
  const hasModel = useStudio((state) => state.model.card !== null);
  const chosen = methodOf(method);
  const own = methodFields(method);
  const training = formFields(method.trainingFields);
  const error = hasModel ? method.estimateError : null;
  const names = [...own, ...training].map((field) => field.name);
  const faulty = error ? fieldNamedIn(error.message, names) : undefined;
  return (
    <ScreenFrame title="Choose how it learns" lead="The defaults are good. Change a setting only when you know why.">
      {method.importError && <ErrorNotice error={method.importError} />}
      {error && <ErrorNotice error={error} />}
      {method.continued ? <Continued adapter={method.continued} /> : <MethodPicker />}
      {chosen && (
        <Panel title={`${chosen.name} settings`} hint={hintOf(own.length, method.continued !== null)}>
          {hasModel && method.estimate && !error && <MethodFacts estimate={method.estimate} />}
          <AdviceList />
          <FieldGrid fields={own} settings={method} faulty={faulty} onChange={setField} />
        </Panel>
      )}
      <Panel title="Training" hint="How long, how fast and how often." aside={<RunFileButtons />}>
        <FieldGrid fields={training} settings={method} faulty={faulty} onChange={setField} />
      </Panel>
    </ScreenFrame>
  );
}

function hintOf(fields: number, isContinued: boolean): string {
  if (fields === 0) return isContinued ? 'The adapter has decided them all.' : 'It has none of its own.';
  return isContinued
    ? 'Only what concerns the optimizer can be set anew.'
    : 'They shape the adapter, and are written into its file.';
}
