/** An S3-compatible store as a process of its own, so that it can be killed: `object-store.ts PORT FOLDER`. */
import S3rver from '@20minutes/s3rver';

const [port = '0', directory = '.'] = process.argv.slice(2);
const configureBuckets = [{ name: 'pawl' }];
const store = new S3rver({ address: '127.0.0.1', port: Number(port), silent: true, directory, configureBuckets });
const { port: taken } = await store.run();
console.log(taken);
