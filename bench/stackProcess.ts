// Storage and stand-ins, in a process of their own for as long as the benchmark that forked it lives.
import { startStack } from '../local/stack.ts';
import { seedServiceClients } from './serviceClients.ts';

const stack = await startStack(process.env);
const { azure, demo, hostEnvironment } = stack;
await seedServiceClients(process.env, stack.cloud);
process.once('disconnect', () => {
  void stack.close().finally(() => process.exit());
});
process.send?.({ azure, bearer: demo.bearer, hostEnvironment });
