// The check as a program, for processors that are not the builder's: clang --target=aarch64-linux-gnu and
// an emulator. Built with -DCK_CHECK_MAIN; empty otherwise.
#ifdef CK_CHECK_MAIN
#include <stdio.h>

#include "ckernels.h"
#include "ckernels_check.h"

int main(void) {
    int failed = 0;
    for (size_t index = 0; ck_table_name(index); index++) {
        char message[512] = "";
        if (!ck_table_named(ck_table_name(index))) {
            printf("%s: not on this processor\n", ck_table_name(index));
            continue;
        }
        int failures = ck_check_table(ck_table_name(index), message, sizeof message);
        printf("%s: %s%s\n", ck_table_name(index), failures ? "FAILED: " : "as the plain kernels", message);
        failed += failures != 0;
    }
    return failed != 0;
}
#endif
