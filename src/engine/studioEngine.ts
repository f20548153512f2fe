import type { DecodeImage } from '../data/images/decodeImage.ts';
import { UserError } from '../formats/errors.ts';
import type { ShaderSources } from '../gpu/shaderSources.ts';
import { acquireLibraryLock } from '../storage/lock.ts';
import { openLibrary } from '../storage/library.ts';
import { requestPersistence, storageReport } from '../storage/quota.ts';
import { AdapterRoom } from './adapterRoom.ts';
import { AdapterWorkshop, describeCombinations } from './adapterWorkshop.ts';
import type { DataOptions, Engine, MetricPoint, OnProgress, RunFields } from './api.ts';
import { ClassifierRoom } from './classifierRoom.ts';
import { DataRoom } from './dataRoom.ts';
import { estimateRun } from './estimateRun.ts';
import { describeMethods, trainingFields } from './forms.ts';
import { Machine } from './machine.ts';
import { methodFits } from './methodFits.ts';
import { ModelRoom, sampleModelId } from './modelRoom.ts';
import { Playground } from './playground.ts';
import { QuantiseRoom } from './quantiseRoom.ts';
import { RunRecords, listRuns, type RunOrigin } from './runRecords.ts';
import { RunRoom } from './runRoom.ts';
import { describeRun } from './runFields.ts';
import { parseRunFile, writeRunFile } from './runFile.ts';
import { sampleAt } from './sample.ts';

export interface Surroundings {
  readonly shaders: ShaderSources;
  /** folder of the built-in sample, with a slash at its end */
  readonly sampleUrl: string;
  readonly decodeImage: DecodeImage;
}

/** The engine as the studio sees it: one open model, one open file of rows, one run at a time, one library. */
export function createStudioEngine({ shaders, sampleUrl, decodeImage }: Surroundings): Engine {
  const library = openLibrary();
  const sample = sampleAt(sampleUrl);
  const machine = new Machine(shaders);
  const models = new ModelRoom(library);
  const data = new DataRoom(decodeImage);
  const adapters = new AdapterRoom(library);
  const workshop = new AdapterWorkshop(adapters);
  const playground = new Playground(machine, adapters);
  const classifiers = new ClassifierRoom(machine, adapters, decodeImage);
  const runs = new RunRoom(machine, library, adapters);
  const quantiser = new QuantiseRoom(machine, models, data);
  let isSwept = false;

  const heldElsewhere = async () => {
    const isElsewhere = (await acquireLibraryLock()) === 'elsewhere';
    if (!isElsewhere && !isSwept) {
      isSwept = true;
      await library.sweep().catch(() => undefined);
    }
    return isElsewhere;
  };
  const refuseSecondTab = async () => {
    if (await heldElsewhere())
      throw new UserError(
        'Graft is open in another tab, which keeps the library. Use that tab, or close it and try again.',
      );
  };
  const whileIdle = async () => {
    if (runs.runningId) throw new UserError('A run is under way. Stop it first, or wait for its end.');
    await quantiser.settle(); // first, since it may refuse, and then an answer goes on
    await Promise.all([playground.clear(), classifiers.ended]);
  };
  const dataOptionsOf = (fields: RunFields): DataOptions => {
    const { maxLength, lossOn, task, fields: all } = describeRun(fields);
    const valSplitRatio = all['val_split_ratio'] as number;
    return { maxLength, lossOn, valSplitRatio, taskType: task.task_type, problemType: task.problem_type };
  };
  const initAdapterOf = async ({ init_adapter: id }: RunFields) =>
    typeof id === 'string' && id !== '' ? { id, files: await adapters.files(id) } : undefined;
  const openSampleModel = async (onProgress: OnProgress) => models.openSample(await sample.model(), onProgress);
  const openRows = () => {
    const { data: rows, evaluation, files } = data.current;
    return { data: rows, evaluation, rows: files };
  };
  /** Opens the model that a run was trained on, wherever it is. */
  const reopenModel = async (origin: RunOrigin, onProgress: OnProgress) => {
    if (models.currentId === origin.modelId) return;
    if (origin.modelId === sampleModelId) return void (await openSampleModel(onProgress));
    const kept = (await models.list()).some(({ id }) => id === origin.modelId);
    if (!kept)
      throw new UserError(
        `${origin.modelName} is not kept on this device. Open it on the Model screen, then resume the run.`,
      );
    await models.openStored(origin.modelId, onProgress);
  };

  return {
    describeGpu: () => machine.describe(),
    async describeStorage() {
      const { usage = 0, quota, persisted } = await storageReport();
      return { usage, quota, persisted, heldElsewhere: await heldElsewhere() };
    },
    methods: async () => describeMethods(),
    methodFits: (taskType) =>
      methodFits(models.current.model, { task_type: taskType }, data.card ? data.current.data.labels : undefined),
    trainingFields: async () => trainingFields(),

    async openModel(files, onProgress) {
      await whileIdle();
      return models.open(files, onProgress);
    },
    async openSample(onProgress) {
      await whileIdle();
      const model = await openSampleModel(onProgress);
      const fields = await sample.fields();
      const card = await data.openFiles(await sample.rows(), models.current.model, dataOptionsOf(fields), onProgress);
      return { model, data: card, fields };
    },
    async openStoredModel(id, onProgress) {
      await whileIdle();
      return models.openStored(id, onProgress);
    },
    listModels: () => models.list(),
    async keepModel(onProgress) {
      await refuseSecondTab();
      await requestPersistence();
      return models.keep(onProgress);
    },
    async deleteModel(id) {
      await refuseSecondTab();
      await models.delete(id);
    },

    pricedWeights: async () => quantiser.choices(),
    compareWeights: async (fields, onProgress) => quantiser.compare(fields, onProgress),
    async measureQuality(fields, onProgress) {
      await whileIdle();
      return quantiser.measure(fields, onProgress);
    },
    async keepQuantised(fields, replaces, onProgress) {
      const { id } = models.current;
      await refuseSecondTab();
      await requestPersistence(); // which may wait for the user
      await whileIdle();
      if (models.currentId !== id)
        throw new UserError('Another model was opened before this one was quantised. Open it again to keep a copy.');
      return quantiser.keep(fields, replaces, onProgress);
    },
    stopQuantising: (work) => quantiser.cancel(work),

    openData: (files, options, onProgress) => data.open(files, models.current.model, options, onProgress),
    openEvalData: (files, onProgress) => data.openEvaluation(files, models.current.model, onProgress),
    reopenData: (options, onProgress) => data.reopen(models.current.model, options, onProgress),
    dataRow: async (index) => data.row(index),
    dataImages: (count, label) => data.images(count, label),
    describeOpen: async () => ({ model: models.card, data: data.card }),

    async estimate(fields) {
      const init = await initAdapterOf(fields);
      return estimateRun(machine, models.current.model, data.current, fields, init?.files);
    },
    async startRun(fields, onEvent) {
      await refuseSecondTab();
      await whileIdle();
      const { id: modelId, model } = models.current;
      const initAdapter = await initAdapterOf(fields);
      await whileIdle(); // nothing is to begin between here and the run
      return runs.run(
        {
          id: crypto.randomUUID(),
          model,
          modelId,
          ...openRows(),
          fields,
          initAdapter,
        },
        onEvent,
      );
    },
    async resumeRun(id, onEvent) {
      await refuseSecondTab();
      await whileIdle();
      const record = await library.runs.get(id);
      const { last } = await library.checkpoints.find(id);
      if (!record || !last)
        throw new UserError('This run has no checkpoint to resume from. Start it again with its settings.');
      if (record.status === 'done')
        throw new UserError('This run has done all its steps. Start another from its adapter to go on.');
      const origin = record.config as RunOrigin;
      const onProgress: OnProgress = (progress) => onEvent({ kind: 'progress', progress });
      await reopenModel(origin, onProgress);
      const { model } = models.current;
      const rows = await library.datasets.open(id);
      await data.openFiles(rows, model, dataOptionsOf(origin.fields), onProgress);
      const resumeFrom = await new RunRecords(library, () => undefined).openCheckpoint(last);
      const initAdapter = origin.initAdapterId
        ? { id: origin.initAdapterId, files: await adapters.files(origin.initAdapterId) }
        : undefined;
      await whileIdle(); // what was read took a while
      return runs.run(
        {
          id,
          model,
          modelId: origin.modelId,
          ...openRows(),
          fields: origin.fields,
          initAdapter,
          resumeFrom,
          createdAt: record.createdAt,
        },
        onEvent,
      );
    },
    pause: async () => runs.pause(),
    unpause: async () => runs.unpause(),
    stop: async (keep) => runs.stop(keep),

    listRuns: () => listRuns(library, runs.runningId),
    runMetrics: async (id) => (await library.runs.log(id)) as MetricPoint[],
    async deleteRun(id) {
      await refuseSecondTab();
      if (id === runs.runningId) throw new UserError('This run is under way. Stop it first.');
      await library.deleteRun(id);
    },

    async generate(request, onText) {
      if (runs.runningId)
        throw new UserError('A run is under way, and the GPU is its own. Wait for its end, or stop it.');
      await quantiser.settle();
      return playground.generate(models.current.model, request, onText);
    },
    cancelGeneration: async () => playground.cancel(),
    async classify(request) {
      await whileIdle();
      return classifiers.classify(models.current.model, request);
    },

    listAdapters: () => adapters.list(),
    adapterSettings: (id) => adapters.settings(id),
    async importAdapter(files) {
      await refuseSecondTab();
      return adapters.import(files);
    },
    combinations: () => Promise.resolve(describeCombinations()),
    async blendAdapters(ids, weights, options, onProgress) {
      await refuseSecondTab();
      await whileIdle();
      return workshop.blend(ids, weights, options, onProgress);
    },
    async convertToLora(adapterId, kept, onProgress) {
      await refuseSecondTab();
      await whileIdle();
      return workshop.convert(models.current.model, adapterId, kept, onProgress);
    },
    async deleteAdapter(id) {
      await refuseSecondTab();
      await adapters.delete(id);
    },
    exportAdapter: (id) => adapters.export(id),

    fieldsToYaml: async (fields) => writeRunFile(fields),
    yamlToFields: async (text) => {
      const fields = parseRunFile(text, 'This');
      describeRun(fields);
      return fields;
    },
  };
}
