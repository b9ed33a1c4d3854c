import neostandard from 'neostandard'

export default neostandard({ ts: true, ignores: ['**/dist', 'node_modules', 'benchmarks/node_modules', '.tap', '.build', 'test/consumer/*/node_modules'] })
