# Made by NNoM. This file is yours. In the Makefile that STM32CubeMX wrote, behind its list C_SOURCES:
#
#   include NNoM/nnom.mk
C_SOURCES += $(shell find NNoM -name '*.c')
C_INCLUDES += -INNoM
