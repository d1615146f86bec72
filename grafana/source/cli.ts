import { writeDashboards } from './write.js';

writeDashboards();
