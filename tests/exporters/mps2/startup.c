/* Starts a program on QEMU's mps2-an386 (Cortex-M4): vectors, FPU, newlib's semihosting. */
#include <stdint.h>
extern uint32_t __stack_top;
extern void _start(void);
void reset_handler(void);
void reset_handler(void) {
    *(volatile uint32_t *)0xE000ED88 |= 0xFU << 20; /* the FPU may be used */
    __asm__ volatile("dsb\nisb");
    _start();
}
static void fault(void) {
    for (;;) {}
}
__attribute__((section(".vectors"), used)) void (*const vectors[16])(void) = {
    (void (*)(void))(uintptr_t)&__stack_top, reset_handler, fault, fault, fault, fault, fault,
};
