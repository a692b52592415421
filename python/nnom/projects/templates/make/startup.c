/* Made by NNoM. This file is yours. Start-up of the emulated board: text goes out by semihosting, as exit() does. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

extern uint32_t board_data_from[], board_data[], board_data_end[], board_bss[], board_bss_end[], board_stack_top[];
void initialise_monitor_handles(void);
int main(void);
void board_reset(void);
void board_fault(void);
void _init(void);
void _fini(void);

void _init(void)
{
}

void _fini(void)
{
}

void board_fault(void)
{
    abort();
}

void board_reset(void)
{
    memcpy(board_data, board_data_from, (size_t)((char *)board_data_end - (char *)board_data));
    memset(board_bss, 0, (size_t)((char *)board_bss_end - (char *)board_bss));
    initialise_monitor_handles();
    exit(main());
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    board_stack_top,     (void *)board_reset, (void *)board_fault, (void *)board_fault,
    (void *)board_fault, (void *)board_fault, (void *)board_fault,
};
