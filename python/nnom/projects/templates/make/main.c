/* Made by NNoM. This file is yours. */
#include <stdio.h>

@@includes
static void say(const char *line)
{
    puts(line);
}

int main(void)
{
    bool good = true;
@@shows    return good ? 0 : 1;
}
