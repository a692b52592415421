/* Made by NNoM. This file is yours; your sensor goes into @@{first}_app.c. printf needs a _write() that sends to your UART. */
#include "app_nnom.h"

#include <stdio.h>

@@includes
static void say(const char *line)
{
    printf("%s\r\n", line);
}

bool app_nnom_init(void)
{
    return @@tests;
}

bool app_nnom_process(void)
{
    bool good = true;
@@shows    return good;
}
