import { arch, cpus } from 'node:os'

/** The processor of this machine, as its system names it. */
export const processorModel = () => cpus()[0]?.model.trim() || arch()

/** Short enough for a file name: "Intel(R) Xeon(R) Platinum 8370C CPU @ 2.80GHz" is intel-xeon-platinum-8370c. @param {string} model */
export function shortProcessorName (model) {
  const short = model.toLowerCase().replace(/\((?:r|tm)\)|@.*$|\b(?:cpu|processor|\d+-core)\b/g, ' ').replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '')
  return short || arch()
}

/** Figures hold for one processor and one Node, so both are in the name of a result. @param {Date} date */
export const resultName = (date) => `${date.toISOString().slice(0, 10)}-${shortProcessorName(processorModel())}-node${process.versions.node.split('.')[0]}`
