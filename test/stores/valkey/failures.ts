export * from '../redis/failures.js'
