// The directory in every order of the steps of several processes, and with every fault: the long scenarios.
import { testEveryOrder } from './everyOrder.ts';

testEveryOrder('with many states');
