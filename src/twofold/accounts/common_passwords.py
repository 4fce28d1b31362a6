"""Common passwords that look strong to the estimate: people use them, so guessers try them.

They are those of the 19,640 passwords in Django 5.2's `common-passwords.txt.gz` (put together by Royce Williams from
public breaches, licence in common_passwords.LICENSE.txt) that zxcvbn would take. It knows the others itself.
"""

COMMON_PASSWORDS: tuple[str, ...] = tuple(
    """
fqrg7cs493 cjmasterinf yuantuo2012 diosesfiel pe#5gz29ptzmse 111222tianya yagjecc826 3odi15ngxb 421uiopy258
1v7upjw3nt uqa9ebw445 sz9kqcctwy d2xyw89sxj 3d8cubaj2e p3rat54797 w5txn36alfw 2012comeer n8zgt5p0shw= vrbgqns997
qti7zxh18u megaparol12345 g9l2d1fzpy diwtgm8492 yahoo.com telechargement youbye123 x4ivyga51f 6hbf28w791 tnk0mk16vx
h1xp2z2duk yfdbufnjh10305070 ka_djkhjsy6 fuku00198 ohmnamah23 y6p67ftrqj ocpoook325 1zn6fpn01x 1fr2rfq7xl
g13916055158 5xfgs3ii9d nks230kjs82 d71lwz9zjs 5532361cnjqrf qdujvyg5sxa eh1k9oh335 uvgx8f8232 ilovemymom 3rjs1la2qe
d9zufqd92n 6v21wbgad 168asd168 123admin321 3rjs5la8qe qarglr123 jjcg16dj5k bkl29m2bk polniypizdec1102 nyq28giz1z
0r968ji9ufj6 fu7u4a#$$$ 92k2cizcdp jundian2011xr 18atcskd2w viphv5j736 000webhost iw14fi9jxl nickjonas1 ms0083jxj
cm6e7aumn9 8ix6s1fceh pok29q6666 taishan2011 ty2t1hv3oc jakcgt333 "zxcvbnm," ttd955audg oluwaseun souljaboy1
cepetsugih uhfybn8888 surside13 projectsadminx huhbbhzu78 ichliebedich joejonas1 zacefron1 choupette kifj9n7bfu
triskelion john!20130605at1753 w66yrybgra mrf11277215 ihatethisgame u1v7hhh7ef owt243ygbj x3luym2mmj s8ylpe9jdpvym
mega_pizdetz666 bellissima baili123com qwegta13091990 l6ho3tg7wb sextrime1 id6c3wr6un feder_1941 fxzz75yer
doomsayer.2.7mords.v h2vwdubjx4 seniseviyorum eqes606898 scvmofas79 lipgloss1 r9lw4j8khx w5tn36alfw jobshop2002
9uzp9jek3f 1q2w3e4r5t6y7u8i9o grenouille -deleted- doomsayer.2.7mords.vv <password> ilovemysel 3s43pth5aea woshiyazi
2000comeer margarida gribouille jfgvcqbuzug ilovejosh1 rbotmvz954 123admin32 x99qomx561 2cxdn8s271 634142554
loveu4ever ddzj39cb3 slovensko jiefang007 noviembre 123odidol woaiwojia gunsnroses olamilekan xblhintb9w allahuakbar
xtseo2011tdx mv46vkmz10 echizen18 gettherefast hotmail123 ??????@mail.ru deusefiel ilovemybab iloveboys1 olanrewaju
fk3456abc bvp33w7epu 1fptjtl919 asd666fds dkxjizc282 xt97794xt coca-cola 5plk4l5uc7 tzir25l5kn 5x1cjdsb9p 1zn6fpn01n
arcobaleno qh6xl1p9xj 1life2live sdf7asdf6asdg8df j1v1fp2bxm yu5l97wk8q 92dk2cidp 3qdlqb49js psicologia ilovemymum
bobesponja ilovemydad forzajuve zmx870919123 hgrfqg4577 asdfghjkl:&#39: imthebest1 hurensohn ilovemyfam
inactive1996aug iw14fi9jwqa lydcc20091314 poptropica hevhk43n9j amdturion64 crepusculo 0icotpd785 ilovemykid
opernhaus1 icxkyb7972 chicharito wsbe279qsg ordenador jaigurudev 31x7t5xbke bwfq23jp7f forzanapoli fxzz75$yer
121324810z tanginamo nowehaslo iloveryan1 loserface1 hm9958123 dfg5fhg5vgfh1 ryan962052 qugrqfo825 gearsofwar
k47rizxt2g woshishui noiembrie 123admin321a opelcorsa ichliebedi amoreterno oks65b6666 nha7ebf6kp hx28o9e646
q0tsrbv488 newthree51 amoureuse pqntmt1247 hotmail.com edxk20qmfs juventini f1uuhza723 fuckthewor hbhc8290826
13587930210 spionin8688 olo65b6666 ilds4edad resing1965 tl281188t xige5516726 vuc7neyu0 staredobre "1,00001e+14"
yemi19900911 nomeacuerdo qiciqdp162 ss563563ss jkiuztdftl57 povlmly727 xantria10315 kuana230345 aksrms8010
wrasloco11 teonamaria1 jiang8kevin gutschein vitor1268123 m01759766727 qq18ww899 aug!272010 mamikawada u83xu3u83
@bigmir.net 1olmetec1 kevnwo128 akademiks11 natiichen999 fragolina skateordie smb0512bz steflio3123 kinomoto89
jarox1301! girlygirl1 mayquinn2 520love101182 matyas2001 leolong1985 hans4queck kartoffelpuffer lightpower12345
nanou4552 maella1311 fenchel55 vfhbjk1801 farfallina stefangreil1983 total12scherz 2kroliczek 791159392 wpcakir264
bambolina somanypickles27 ahbird1984 pomalo123 weyersheim leliane50934 kmzwa8awaa 2pacshakur owt243ygbh new975wen
roanne42300 faca210898 marek14michal przyjaciolki laurel12creek yandi20080527 gambion32 yaoiisgrand boguska123
gigaman8891 almario927 ibicguwjic clochette arabella24630 schokolade remo1d72a knackwurst8853 fallen_angel
""".split()  # noqa: SIM905 - as a table it can be read
)
