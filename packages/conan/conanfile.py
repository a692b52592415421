# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
from conan import ConanFile
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy


class NnomConan(ConanFile):
    name = "nnom"
    version = "@@version"
    license = "LGPL-3.0-only WITH LGPL-3.0-linking-exception"
    description = "Trained neural networks on microcontrollers"
    homepage = "@@home"
    url = "@@home"
    topics = ("neural-network", "machine-learning", "quantization", "embedded")
    package_type = "static-library"
    settings = "os", "arch", "compiler", "build_type"
    exports_sources = "CMakeLists.txt", "nnom.pc.in", "src/*", "include/*", "port/*", "LICENSE", "COPYING*"
    languages = "C"

    def layout(self):
        cmake_layout(self)

    def generate(self):
        CMakeToolchain(self).generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        for name in ("LICENSE", "COPYING*"):
            copy(self, name, self.source_folder, f"{self.package_folder}/licenses")
        CMake(self).install()

    def package_info(self):
        self.cpp_info.libs = ["nnom"]
        self.cpp_info.set_property("cmake_target_name", "nnom::nnom")
        if self.settings.os in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs = ["m"]
