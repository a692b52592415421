/* Made by NNoM. This file is yours; your sensor goes into main/@@{first}_app.c. */
#include <stdio.h>

@@includes
void app_main(void);

static void say(const char *line)
{
    puts(line);
}

void app_main(void)
{
    bool good = true;
@@shows    if (!good) {
        puts("stopped");
    }
}
