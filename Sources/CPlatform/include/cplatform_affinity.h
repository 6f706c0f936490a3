#ifndef CPLATFORM_AFFINITY_H
#define CPLATFORM_AFFINITY_H

/// Processors that the calling thread may run on; at least 1.
int cplatform_affinity_count(void);

#endif
