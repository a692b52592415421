/* Made by NNoM. This file is yours; your sensor goes into src/@@{first}_app.c. */
#include <stdio.h>

@@includes
static void say(const char *line)
{
    printf("%s\n", line);
}

int main(void)
{
    bool good = true;
@@shows    return good ? 0 : 1;
}
