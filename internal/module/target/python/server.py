# Serves requests to run modules written in Python: each in a fork of this
# process, in which the module library is imported already. A request is a
# length (4 bytes, big endian) and JSON, with the files for standard output and
# error attached; an answer is a line of JSON.
import sys

archive = sys.argv[1]
sys.path.insert(0, archive)

import atexit, errno, json, os, runpy, select, signal, socket, struct, array
from ansible.module_utils import basic

try:
    import ctypes
    prctl = ctypes.CDLL(None).prctl
except Exception:
    prctl = None

link = socket.socket(fileno=3)
me = os.getpid()
running = {}  # request by process


def answer(**what):
    link.sendall((json.dumps(what) + "\n").encode())


def receive(n):
    data = b""
    files = []
    while len(data) < n:
        part, extra, _, _ = link.recvmsg(n - len(data), socket.CMSG_SPACE(2 * 4))
        for level, kind, raw in extra:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                a = array.array("i")
                a.frombytes(raw[: len(raw) - len(raw) % a.itemsize])
                files += a
        if not part:
            sys.exit(0)
        data += part
    return data, files


def become_module(request, files):
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setpgid(0, 0)
    if prctl is not None:
        prctl(1, signal.SIGKILL)  # die with the server
        if os.getppid() != me:
            os._exit(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(files[0], 1)
    os.dup2(files[1], 2)
    for f in files + [link.fileno(), wake_read, wake_write]:
        os.close(f)
    if request["files"] > 0:
        import resource
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (request["files"] if hard < 0 else min(request["files"], hard), hard))
        except ValueError:
            pass  # some systems refuse what they have named as the most
    os.environ.clear()
    os.environ.update(request["env"])
    if "random" in sys.modules:
        sys.modules["random"].seed()
    mine = request["archive"]
    sys.path[0] = mine
    for name, module in list(sys.modules.items()):
        if (name == "ansible" or name.startswith("ansible.")) and hasattr(module, "__path__"):
            module.__path__ = [mine + "/" + name.replace(".", "/")]
    sys.argv = [request["entry"]]
    basic._ANSIBLE_ARGS = request["args"].encode()


def run_module(request):
    import traceback
    code = 0
    try:
        runpy.run_module(request["entry"], init_globals=dict(_module_fqn=request["entry"], _modlib_path=request["archive"]), run_name="__main__", alter_sys=True)
    except SystemExit as e:
        code = e.code
        if code is None:
            code = 0
        elif not isinstance(code, int):
            sys.stderr.write(str(code) + "\n")
            code = 1
    except BaseException:
        traceback.print_exc()
        code = 1
    try:
        if "threading" in sys.modules:
            sys.modules["threading"]._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code & 255)


def serve():
    data, files = receive(4)
    data, more = receive(struct.unpack(">I", data)[0])
    files += more
    request = json.loads(data.decode())
    pid = os.fork()
    if pid == 0:
        try:
            become_module(request, files)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        run_module(request)
    for f in files:
        os.close(f)
    try:
        os.setpgid(pid, pid)  # whoever is first
    except OSError:
        pass
    running[pid] = request["id"]
    answer(id=request["id"], pid=pid)


def collect():
    while running:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except OSError as e:
            if e.errno == errno.ECHILD:
                return
            raise
        if pid == 0:
            return
        id = running.pop(pid, None)
        if id is not None:
            answer(id=id, exit=-os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))


wake_read, wake_write = os.pipe()
for f in (wake_read, wake_write):
    os.set_blocking(f, False)
signal.signal(signal.SIGCHLD, lambda *_: None)
signal.set_wakeup_fd(wake_write)
answer(ready=True)
while True:
    try:
        ready, _, _ = select.select([link, wake_read], [], [])
    except InterruptedError:
        continue
    if wake_read in ready:
        try:
            os.read(wake_read, 512)
        except BlockingIOError:
            pass
        collect()
    if link in ready:
        serve()
