import neostandard from 'neostandard'

export default neostandard({ ts: true, ignores: ['**/dist', 'node_modules', 'benchmarks/node_modules', '.tap', '.build', '.ci/**', 'test/consumer/*/node_modules'] })
