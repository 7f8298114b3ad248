// The directory in every order of the steps of several processes, and with every fault: the short scenarios.
import { testEveryOrder } from './everyOrder.ts';

testEveryOrder('with fewer states');
