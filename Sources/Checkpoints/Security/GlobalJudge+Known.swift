/// What is harmless, by full name.
extension GlobalJudge {
    /// What our readers give meaning to, and plain data of Python's own: the closed list.
    static let known: Set<String> = {
        var names: Set<String> = []
        for (module, list) in constructorsByModule {
            for name in words(list) { names.insert(module + "." + name) }
        }
        for name in TorchDType.byName.keys { names.insert("torch." + name) }
        for kind in [
            "Double", "Float", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool",
            "ComplexDouble",
            "ComplexFloat", "QInt32", "QInt8", "QUInt8", "QUInt4x2", "QUInt2x4", "Untyped", "Typed",
        ] {
            names.insert("torch.\(kind)Storage")
            names.insert("torch.storage.\(kind)Storage")
            names.insert("torch.cuda.\(kind)Storage")
            names.insert("torch.\(kind)Tensor")
        }
        return names
    }()

    static func words(_ text: String) -> [String] {
        text.split { $0 == " " || $0 == "\n" }.map(String.init)
    }

    /// Python 2 has `__builtin__` and `copy_reg` where Python 3 has `builtins` and `copyreg`.
    private static let constructorsByModule: [(String, String)] = {
        let data = """
            Ellipsis NotImplemented bool bytearray bytes complex dict float frozenset int list long object range set \
            slice str tuple unicode xrange
            """
        let rebuild = """
            _rebuild_device_tensor_from_cpu_tensor _rebuild_device_tensor_from_numpy \
            _rebuild_meta_tensor_no_storage _rebuild_nested_tensor _rebuild_parameter \
            _rebuild_parameter_with_state _rebuild_qtensor _rebuild_sparse_csr_tensor _rebuild_sparse_tensor \
            _rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_xla_tensor
            """
        return [
            ("builtins", data), ("__builtin__", data), ("copyreg", "_reconstructor __newobj__"),
            ("copy_reg", "_reconstructor __newobj__"), ("_codecs", "encode"),
            ("collections", "Counter OrderedDict defaultdict deque"), ("argparse", "Namespace"),
            ("types", "SimpleNamespace"), ("datetime", "date datetime time timedelta timezone"),
            ("decimal", "Decimal"), ("fractions", "Fraction"), ("uuid", "UUID"),
            ("pathlib", "Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath"),
            ("pathlib._local", "Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath"),
            ("torch._utils", rebuild), ("torch._tensor", "_rebuild_from_type _rebuild_from_type_v2"),
            ("torch.tensor", "_rebuild_from_type"),
            ("torch.nn.parameter", "Buffer Parameter UninitializedBuffer UninitializedParameter"),
            (
                "torch",
                """
                Size Tensor device per_channel_affine per_channel_affine_float_qparams per_channel_symmetric \
                per_tensor_affine per_tensor_symmetric sparse_bsc sparse_bsr sparse_coo sparse_csc sparse_csr strided \
                bits1x8 bits2x4 bits4x2 bits8 bits16 float4_e2m1fn_x2 quint2x4 quint4x2 \
                int1 int2 int3 int4 int5 int6 int7 uint1 uint2 uint3 uint4 uint5 uint6 uint7
                """
            ),
            ("torch.serialization", "_get_layout"),
            (
                "torch.jit._pickle",
                "build_boollist build_doublelist build_intlist build_tensorlist restore_type_tag"
            ),
            ("numpy", "dtype ndarray"), ("numpy.core.multiarray", "_reconstruct scalar"),
            ("numpy._core.multiarray", "_reconstruct scalar"), ("numpy.core.numeric", "_frombuffer"),
            ("numpy._core.numeric", "_frombuffer"),
            ("ml_dtypes", "bfloat16 float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz"),
        ]
    }()

    /// Special methods that only make an object.
    static let constructors: Set<String> = ["__new__", "__newobj__", "__newobj_ex__"]

    /// Parts of the standard library that real checkpoints name and that do no harm by themselves: what they hold
    /// or are given is judged by its own name.
    static let harmless: Set<String> = {
        var names = Set(
            words(
                """
                functools.partial io.BytesIO io.StringIO _io.BytesIO _io.StringIO codecs.encode copy.copy copy.deepcopy \
                logging.getLogger logging.Logger logging.RootLogger re._compile sre_compile._compile operator.add \
                operator.mul operator.sub operator.truediv _operator.add _operator.mul _operator.sub _operator.truediv \
                time.struct_time types.MappingProxyType types.NoneType types.GenericAlias types.UnionType \
                types.EllipsisType array._array_reconstructor array.array random.Random _random.Random itertools.count \
                itertools.cycle itertools.chain itertools.repeat uuid.SafeUUID argparse.ArgumentParser \
                torch._dynamo.eval_frame.OptimizedModule
                """))
        for name in words(functions) + words(exceptions) {
            names.insert("builtins." + name)
            names.insert("__builtin__." + name)
        }
        return names
    }()

    private static let functions = """
        abs all any ascii bin callable chr cmp divmod enumerate format hash hex id isinstance issubclass iter len max \
        memoryview min next oct ord pow print repr reversed round sorted sum type unichr zip
        """

    private static let exceptions = """
        ArithmeticError AssertionError AttributeError BaseException EOFError Exception FloatingPointError ImportError \
        IndexError KeyError KeyboardInterrupt LookupError MemoryError NameError NotImplementedError OSError \
        OverflowError RuntimeError StopIteration TypeError UnicodeError ValueError ZeroDivisionError
        """

    /// Modules of nothing but plain classes and functions of numbers; and, within what is dangerous as a whole,
    /// those that checkpoints are made of.
    static let harmlessModules: Set<String> = Set(
        words(
            """
            __future__ _collections_abc abc array calendar cmath collections copyreg copy_reg dataclasses datetime \
            decimal enum exceptions fractions heapq ipaddress math numbers pathlib string statistics typing \
            zoneinfo _datetime _decimal queue _queue ordereddict \
            torch.jit._pickle torch.utils.data torch.utils.hooks torch.utils._pytree torch.utils.checkpoint torch._C._nn \
            torch._C._VariableFunctions torch._C._VariableFunctionsClass torch._C._TensorBase torch._C.TensorBase \
            torch._C.Generator torch._C._linalg torch._C._special torch._C._fft torch.distributed._tensor \
            torch.distributed.tensor torch.distributed._shard torch.distributed.fsdp torch.distributed.optim
            """))
}
