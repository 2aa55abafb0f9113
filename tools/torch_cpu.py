#!/usr/bin/env python3
"""Makes an installed PyTorch do without the libraries of GPUs, for tests on machines that have none.

    python3 tools/torch_cpu.py SITE_PACKAGES     once, after `pip install --no-deps torch`

PyTorch's Linux packages on the usual index are linked against CUDA's libraries, gigabytes that are never called without a
GPU. This generates, in their places, libraries of nothing but the names that PyTorch's own files look up: every call
answers "no device", so torch.cuda.is_available() is False. Holes are punched over the GPU's machine code, which makes the
files small on disk. It contains and downloads nothing of CUDA. Meant for tests alone: an environment for work wants the
real libraries.

Needs gcc, readelf (binutils) and fallocate (util-linux). Standard library only.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

# Libraries without symbol versions are told by how their symbols begin.
PREFIXES = {
    "nccl": "libnccl",
    "cuFile": "libcufile",
    "cusparseLt": "libcusparseLt",
    "nvshmem": "libnvshmem_host",
    "cupti": "libcupti",
    "nvrtc": "libnvrtc",
    "nvtx": "libnvToolsExt",
}
OF_A_GPU = re.compile(r"lib(cu|nccl|nvrtc|nvshmem|nvToolsExt)")


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def needed(files):
    """The libraries of GPUs that the files are linked against; libcuda.so itself is loaded only where it is there."""
    names = set()
    for file in files:
        names.update(re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-dW", file)))
    return {name for name in names if OF_A_GPU.match(name) and not name.startswith("libcuda.so")}


def symbols(files):
    """What the files define, and what they want from elsewhere (NAME or NAME@VERSION)."""
    defined, wanted = set(), set()
    for file in files:
        for fields in map(str.split, output("readelf", "--dyn-syms", "-W", file).splitlines()):
            if len(fields) < 8 or fields[4] not in ("GLOBAL", "WEAK"):
                continue
            if fields[6] != "UND":
                defined.add(fields[7].split("@")[0])
            elif fields[4] == "GLOBAL":
                wanted.add(fields[7])
    return defined, wanted


def assign(libraries, defined, wanted):
    """{library: {symbol: version}}: a symbol's version is the name of its library, or its beginning tells."""
    found = {library: {} for library in libraries}
    for symbol in wanted:
        name, _, version = symbol.partition("@")
        version = version.lstrip("@")
        if version in found:
            found[version][name] = version
        elif name not in defined:
            for prefix, stem in PREFIXES.items():
                for library in found:
                    if name.startswith(prefix) and library.startswith(stem + ".so"):
                        found[library][name] = version
    return found


def body(name):
    """A function that says "no device" in the way that its callers understand."""
    if name == "__cudaRegisterFatBinary":
        return f"void *{name}(void){{return handles;}}"
    if name.startswith("__cuda") or name.endswith(("GetLastError", "PeekAtLastError")):
        return f"int {name}(void){{return 0;}}"
    if re.search("(Error|Status|Result)(String|Name)$", name):
        return f"const char *{name}(void){{return message;}}"
    if name == "cudaGetDeviceCount":
        return f"int {name}(int *count){{*count=0;return 100;}}"
    return f"int {name}(void){{return 100;}}"


def build(target, names):
    """Compiles a library at target with these symbols and versions."""
    with tempfile.TemporaryDirectory() as directory:
        source, versions = os.path.join(directory, "s.c"), os.path.join(directory, "versions")
        with open(source, "w") as file:
            file.write('void *handles[64]; const char message[]="no CUDA";\n' + "\n".join(map(body, names)))
        with open(versions, "w") as file:
            for version in sorted({*names.values()} - {""}):
                file.write("%s {global: %s;};\n" % (version, ";".join(name for name in names if names[name] == version)))
        command = ["gcc", "-shared", "-fPIC", "-w", "-Wl,-soname," + os.path.basename(target), "-o", target, source]
        if any(names.values()):
            command.append("-Wl,--version-script=" + versions)
        subprocess.run(command, check=True)


def punch(file):
    """Gives back the disk of a file's machine code for GPUs."""
    sections = output("readelf", "-SW", file)
    for offset, size in re.findall(r" \.nv_fatbin\s+PROGBITS\s+\S+ (\S+) (\S+)", sections):
        subprocess.run(["fallocate", "-p", "-o", "0x" + offset, "-l", "0x" + size, file], check=True)


def main(site_packages):
    torch = os.path.join(site_packages, "torch")
    libraries = os.path.join(torch, "lib")
    files = glob.glob(libraries + "/lib*.so") + glob.glob(torch + "/_C*.so")
    if not files:
        sys.exit(f"there is no PyTorch in {site_packages}: pip install --no-deps torch")
    for library, names in assign(needed(files), *symbols(files)).items():
        build(os.path.join(libraries, library), names)
    for file in files:
        punch(file)
    subprocess.run(["strip", "-s", os.path.join(libraries, "libtorch_cpu.so")], check=True)
    shutil.rmtree(os.path.join(torch, "include"), ignore_errors=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
