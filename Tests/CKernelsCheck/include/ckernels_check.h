// Holds one table of kernels against the plain one and against sums in double.
#ifndef CKERNELS_CHECK_H
#define CKERNELS_CHECK_H

// Every kernel of the table of that name over all small sizes, sizes around the tiles, rows that start
// anywhere, and extreme values; memory around the results must stay as it was. Returns the number of
// failures, and writes what the first was to `message`.
int ck_check_table(const char *name, char *message, int message_size);

#endif
