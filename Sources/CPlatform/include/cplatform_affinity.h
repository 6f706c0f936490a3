#ifndef CPLATFORM_AFFINITY_H
#define CPLATFORM_AFFINITY_H

/// Processors that the calling thread may run on; at least 1.
int cplatform_affinity_count(void);

/// Keeps the calling thread on one of the processors that it may run on now: on the one of that
/// number, from 0. Returns 0, or the error's number.
int cplatform_pin_thread(int number);

/// The processor on which the calling thread runs at this moment; negative when it is not known.
int cplatform_current_processor(void);

#endif
