/// What is dangerous, and why.
extension GlobalJudge {
    /// Modules with all that is in them, and single functions, by what they can do.
    static let dangerousModules: [String: String] = {
        var reasons: [String: String] = [:]
        for (reason, list) in dangers { for name in words(list) { reasons[name] = reason } }
        return reasons
    }()

    private static let dangers: [(reason: String, names: String)] = [
        (
            "runs commands",
            """
            os posix nt subprocess _posixsubprocess _winapi commands popen2 pty pipes pexpect sh plumbum invoke fabric \
            paramiko _aix_support _osx_support multiprocessing _multiprocessing concurrent asyncio _asyncio platform \
            webbrowser antigravity billiard loky torch.multiprocessing torch.utils.collect_env torch.utils.cpp_extension \
            torch._inductor torch.distributed.elastic torch.distributed.run torch.distributed.launch \
            torch.distributed.launcher torch.distributed.rpc torch.distributed.nn numpy.distutils numpy.f2py \
            setuptools distutils _distutils_hack pkg_resources conda win32api win32com psutil
            """
        ),
        (
            "evaluates or compiles code",
            """
            builtins.eval builtins.exec builtins.compile __builtin__.eval __builtin__.exec __builtin__.execfile \
            __builtin__.compile dataclasses.make_dataclass typing.get_type_hints \
            typing.ForwardRef typing.evaluate_forward_ref enum.global_enum __builtin__.input __builtin__.apply builtins.apply code codeop compileall py_compile compiler ast _ast \
            symtable doctest idlelib lib2to3 rlcompleter cgitb timeit trace profile cProfile _lsprof pdb bdb pstats \
            sqlite3 _sqlite3 test unittest nose pytest _pytest IPython jupyter_client ipykernel sympy numexpr jinja2 mako \
            pandas.eval pandas.core.computation numpy.testing torch.testing torch._dynamo torch.fx.graph_module \
            torch.fx._symbolic_trace torch.fx.graph torch.fx.experimental torch.jit torch.package torch.utils.bottleneck torch.utils.benchmark \
            torch.distributed.pipelining torch.compile torch.export torch._export torch.onnx __builtins__ types.FunctionType types.LambdaType types.CodeType types.MethodType types.ModuleType types.DynamicClassAttribute \
            types.coroutine types.new_class _testcapi _testinternalcapi _interpreters _xxsubinterpreters _xxinterpchannels \
            interpreters hydra fire new.code new.function new.instancemethod llvmlite numba.core numba.pycc Cython pyximport triton torch.utils
            """
        ),
        (
            "imports modules by name",
            """
            torch._utils._import_dotted_name numpy.compat \
            builtins.__import__ __builtin__.__import__ __builtin__.reload importlib imp _imp _frozen_importlib \
            _frozen_importlib_external pkgutil zipimport runpy modulefinder zipapp site sitecustomize usercustomize \
            _sitebuiltins ihooks transformers.dynamic_module_utils transformers.utils.import_utils
            """
        ),
        (
            "loads further pickles",
            """
            pickle _pickle cPickle pickletools shelve dill _dill cloudpickle joblib torch.load torch.save torch.hub \
            torch.serialization torch.storage._load_from_bytes torch._weights_only_unpickler torch.utils._config_module torch.utils.model_zoo \
            torch.utils.show_pickle torch.utils.serialization torch.utils.data.datapipes torch.utils.data._utils.serialization \
            torch.distributed.checkpoint torch.distributed.distributed_c10d numpy.load numpy.loads numpy.save \
            numpy.savez numpy.savez_compressed numpy.lib.npyio numpy.lib._npyio_impl numpy.lib.format numpy.lib._format_impl \
            pandas.read_pickle pandas.to_pickle pandas.io.pickle pandas.compat.pickle_compat yaml ruamel jsonpickle marshal \
            sklearn.externals keras.models keras.saving keras.src.saving keras.src.legacy keras.utils keras.src.utils tensorflow.keras tensorflow.saved_model \
            tensorflow.python.keras mlflow skops jsons srsly huggingface_hub \
            torch.distributed.collective_utils
            """
        ),
        (
            "fetches any attribute or item of any object",
            """
            builtins.getattr builtins.setattr builtins.delattr builtins.hasattr builtins.globals builtins.locals \
            builtins.vars builtins.dir builtins.super builtins.property builtins.classmethod builtins.staticmethod \
            __builtin__.getattr __builtin__.setattr __builtin__.delattr __builtin__.hasattr __builtin__.globals \
            __builtin__.locals __builtin__.vars __builtin__.dir operator _operator inspect gc weakref _weakref \
            pydoc pydoc_data pyclbr
            """
        ),
        (
            "calls what it is given",
            """
            builtins.map builtins.filter __builtin__.map __builtin__.filter __builtin__.reduce functools _functools \
            threading _thread thread dummy_threading atexit signal _signal sched contextlib contextvars _threading_local
            """
        ),
        (
            "opens, reads or changes files",
            """
            builtins.open __builtin__.open __builtin__.file io _io _pyio shutil tempfile fileinput glob linecache \
            filecmp tarfile zipfile gzip bz2 lzma _bz2 _lzma mmap logging syslog dbm _dbm _gdbm anydbm gdbm whichdb dumbdbm \
            dbhash bsddb mailbox posixpath ntpath genericpath macpath posixfile codecs csv configparser ConfigParser netrc \
            difflib tokenize wave aifc sunau sndhdr imghdr tomllib plistlib xml argparse.FileType optparse numpy.fromfile numpy.memmap \
            numpy.core.memmap numpy._core.memmap numpy.loadtxt numpy.savetxt numpy.genfromtxt numpy.fromregex numpy.DataSource numpy.lib._datasource \
            numpy.core.records.fromfile numpy.core.multiarray.fromfile numpy._core.multiarray.fromfile torch.from_file torch._C.PyTorchFileReader torch._C.PyTorchFileWriter fsspec fcntl _posixshmem
            """
        ),
        (
            "reaches the network",
            """
            socket _socket ssl _ssl socketserver SocketServer select selectors http httplib urllib urllib2 urlparse \
            urllib3 requests aiohttp httpx httpcore ftplib smtplib smtpd imaplib poplib nntplib telnetlib xmlrpc \
            xmlrpclib SimpleXMLRPCServer BaseHTTPServer SimpleHTTPServer CGIHTTPServer wsgiref cgi asyncore asynchat \
            email nturl2path gdown boto boto3 botocore websocket websockets tornado twisted zmq google.cloud
            """
        ),
        (
            "calls native code",
            """
            ctypes _ctypes cffi _cffi_backend numpy.ctypeslib torch.ops torch.classes torch._ops torch._classes torch.cuda._sanitizer \
            torch._C msilib winreg _winreg pycuda cupy.RawModule cupy.RawKernel
            """
        ),
        (
            "installs packages",
            "pip ensurepip venv virtualenv conda_env uv poetry easy_install"
        ),
        (
            "changes the interpreter",
            """
            sys builtins.exit builtins.quit builtins.breakpoint builtins.input builtins.help __builtin__.breakpoint faulthandler resource sysconfig copyreg.add_extension \
            copyreg.remove_extension copyreg.clear_extension_cache copyreg.pickle copyreg.constructor copy_reg.add_extension copy_reg.pickle \
            copy_reg.constructor tracemalloc warnings _warnings 
            """
        ),
    ]

    /// The top levels of all these.
    static let dangerousRoots: Set<Substring> = Set(
        dangerousModules.keys.compactMap { $0.split(separator: ".").first })

    /// Modules whose names are too common for an attribute of that name to say anything by itself.
    static let commonWords: Set<String> = Set(
        words(
            """
            ast code commands compiler test trace profile platform select signal site new select email fire google sh \
            invoke uv resource warnings commands test optparse operator logging threading conda glob
            """))

    /// Python's own modules that are worth suspecting wherever they stand in a path.
    static let nested: Set<String> = [
        "os", "posix", "nt", "sys", "subprocess", "builtins", "__builtin__", "importlib", "ctypes", "shutil",
        "socket",
        "runpy", "pty",
    ]

    /// Functions under their own name, whatever module lends them.
    static let tellingNames: [String: String] = {
        var names: [String: String] = [:]
        for name in words(
            """
            system popen popen2 popen3 Popen check_call check_output getoutput getstatusoutput execv execve execvp \
            execl execlp execle posix_spawn posix_spawnp spawnl spawnv spawnve spawnvp fork forkpty
            """)
        { names[name] = "has the name of what runs commands" }
        for name in words(
            "eval exec execfile runstring runsource runcode run_code _run_code run_path run_module")
        {
            names[name] = "has the name of what evaluates code"
        }
        for name in words(
            "import_module load_module load_source load_dynamic exec_module find_spec resolve_name")
        {
            names[name] = "has the name of what imports modules"
        }
        for name in words("load_library CDLL dlopen LoadLibrary") {
            names[name] = "has the name of what loads native code"
        }
        for name in words("attrgetter methodcaller getattr") {
            names[name] = "has the name of what fetches any attribute"
        }
        for name in words("read_pickle load_pickle unsafe_load full_load get_file load_model func_load") {
            names[name] = "has the name of what loads further files"
        }
        return names
    }()
}
